package securemem

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// withPolicy runs a test under a budget and an answer to the limit.
func withPolicy(t *testing.T, slots int, a AtLimit) {
	t.Helper()
	Trim()
	SetBudget(max(count.lockedBytes.Load()+int64(slots*classes[0].size), 1)) // 0 is no budget
	t.Cleanup(func() {
		SetBudget(0)
		must(t, SetAtLimit(LimitFail))
	})
	must(t, SetAtLimit(a))
}

func TestABudgetIsALimitOfItsOwn(t *testing.T) {
	withPolicy(t, 3, LimitFail)
	var held []*Buffer
	for range 3 {
		held = append(held, newPattern(t, 32))
	}
	if _, err := Alloc(32, 0); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "budget") {
		t.Fatalf("a fourth buffer: %v", err)
	}
	free(t, held...)
	free(t, newPattern(t, 32))
}

func TestAtTheLimitIdleSecretsAreSealedAndComeBack(t *testing.T) {
	withPolicy(t, 4, LimitSeal) // one of them is the key's
	var held []*Buffer
	for range 20 {
		held = append(held, newPattern(t, 32))
	}
	if s := ReadStats(); s.Sealed < 17 {
		t.Errorf("%d of 20 are sealed", s.Sealed)
	}
	for _, b := range held {
		wantPattern(t, b)
	}
	free(t, held...)
}

func TestABorrowedSecretIsNeverSealedForAnother(t *testing.T) {
	withPolicy(t, 3, LimitSeal)
	a, b := newPattern(t, 32), newPattern(t, 32)
	for _, x := range []*Buffer{a, b} {
		_, err := x.Open(Read)
		must(t, err)
	}
	if _, err := Alloc(32, 0); !errors.Is(err, ErrLimit) {
		t.Fatalf("a buffer without room: %v", err)
	}
	must(t, a.Close())
	free(t, newPattern(t, 32))
	must(t, b.Close())
	wantPattern(t, a)
	wantPattern(t, b)
	free(t, a, b)
}

func TestAtTheLimitUnlockedPagesAreTakenAndCounted(t *testing.T) {
	withPolicy(t, 1, LimitDegrade)
	a, b := newPattern(t, 32), newPattern(t, 32)
	if !a.Locked() || b.Locked() || ReadStats().Unlocked != 1 {
		t.Errorf("locked %t and %t, %d counted", a.Locked(), b.Locked(), ReadStats().Unlocked)
	}
	wantPattern(t, b)
	free(t, a, b)
}

func TestSelfCheckPassesAndIsRemembered(t *testing.T) {
	must(t, SelfCheck())
	s := ReadStatus()
	if s.SelfCheck != "passed" || s.SelfCheckAt == nil || s.SelfCheckFailure != "" || ReadStats().SelfCheck != 1 {
		t.Errorf("%+v", s)
	}
}

func TestASelfCheckThatFailsNamesTheStep(t *testing.T) {
	withPolicy(t, 0, LimitFail)
	err := SelfCheck()
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "step allocate") {
		t.Errorf("error %v", err)
	}
	if s := ReadStatus(); s.SelfCheck != "failed" || !strings.Contains(s.SelfCheckFailure, "allocate") {
		t.Errorf("%+v", s)
	}
	SetBudget(0)
	must(t, SelfCheck())
}

func TestTheStatusCountsWhatTheKernelSays(t *testing.T) {
	a, b := newPattern(t, 32), newPattern(t, 8<<10)
	s := ReadStatus()
	m := s.Mappings // nil only where the kernel does not tell: Linux does
	if m == nil {
		t.Fatal("the kernel was not asked")
	}
	if m.Slots < 2 || m.GuardPages != 2*m.Slots || m.Locked != m.Slots || m.NoCoreDump != m.Slots || m.NoFork != m.Slots {
		t.Errorf("%+v", *m)
	}
	if s.ActiveBuffers != 2 || s.Canaries != 2 {
		t.Errorf("%+v", s)
	}
	free(t, a, b)
}

func TestEventsTellWhatWasDoneAndNeverTheSecret(t *testing.T) {
	var log bytes.Buffer
	SetEvents(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { SetEvents(nil) })
	secret := []byte("an obvious pattern, not a secret")
	b, err := From(bytes.Clone(secret), 0)
	must(t, err)
	_, err = b.Open(Read)
	must(t, err)
	if err := b.Seal(); !errors.Is(err, ErrState) {
		t.Fatal(err)
	}
	must(t, b.Close())
	must(t, b.Seal())
	_, err = b.HMAC(SHA256, nil, make([]byte, 32))
	must(t, err)
	free(t, b)
	if bytes.Contains(log.Bytes(), secret[:8]) {
		t.Fatal("the secret is in the log")
	}
	var did []string
	for line := range bytes.Lines(log.Bytes()) {
		var e struct {
			Msg, Result string
			Secret      uint64
			Size        int
		}
		must(t, json.Unmarshal(line, &e))
		if e.Secret != b.id || e.Size != len(secret) {
			t.Errorf("%s", line)
		}
		if e.Result != "ok" {
			e.Msg += " refused"
		}
		did = append(did, e.Msg)
	}
	if got, want := strings.Join(did, ", "), "allocate, open, seal refused, close, seal, unseal, use, free"; got != want {
		t.Errorf("told: %s\nwant: %s", got, want)
	}
}
