package spawn

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestAPanicIsAnErrorAndALineInTheLog(t *testing.T) {
	var text bytes.Buffer
	LogTo(slog.New(slog.NewTextHandler(&text, nil)))
	defer logger.Store(nil)
	var err error
	func() {
		defer Recover("work", &err)
		panic("on demand")
	}()
	if err == nil || !strings.Contains(err.Error(), "internal error in work: on demand") {
		t.Fatal(err)
	}
	for _, part := range []string{"level=ERROR", "in=work", `panic="on demand"`, "spawn_test.go"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("no %s in %s", part, &text)
		}
	}
}

// Without anyone to tell, a panic is silent: nothing is written to the host's descriptors.
func TestAPanicInAGoroutineEndsNothingElse(t *testing.T) {
	began := make(chan struct{})
	for range 100 {
		Go("bad", func() {
			defer func() { began <- struct{}{} }()
			panic(errors.New("on demand"))
		})
	}
	for range 100 {
		<-began
	}
}

func TestRecoverLeavesAnErrorAloneWithoutAPanic(t *testing.T) {
	want := errors.New("refused")
	err := want
	func() { defer Recover("work", &err) }()
	if err != want {
		t.Fatal(err)
	}
}
