package monitor_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// written keeps what is logged.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// spellings are how a log might hold a secret: as it is, and in the usual encodings.
func spellings(secret string) []string {
	numbers := fmt.Sprint([]byte(secret))
	all := []string{secret, hex.EncodeToString([]byte(secret)), numbers[1 : len(numbers)-1]}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(secret[shift:]))
		all = append(all, text[:len(text)-4])
	}
	return all
}

func TestNoSecretGetsIntoTheLogAtAnyLevel(t *testing.T) {
	const token, payload = "token-5e9f-of-the-metrics", "order: sell 5e9f at any price"
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1)
	pem, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	var log written
	r, p, _ := watched(t, func(o *pool.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: pool.LevelTrace}))
		o.CertFile, o.KeyFile = cert, key
	})
	s := serve(t, p, with(token, monitor.Options{}))
	for _, candidate := range []string{token, token[1:], token + "!"} {
		ask(t, s, "GET", "/metrics", "X-Auth-Token", candidate)
		ask(t, s, "GET", "/metrics?token="+candidate, "Authorization", "Bearer "+candidate)
	}
	talk := func() (err error) {
		c, err := p.AcquireWithin(patience)
		if err != nil {
			return err
		}
		defer c.Discard()
		if _, err = io.WriteString(c, "ECHO\n"+payload); err == nil {
			_, err = io.ReadFull(c, make([]byte, len(payload)))
		}
		return err
	}
	if err := talk(); err != nil {
		t.Fatal(err)
	}
	for _, misbehaviour := range []string{"reset_after", "truncate_after", "unsolicited"} {
		r.Reset()
		if err := r.Set(misbehaviour, "1"); err != nil {
			t.Fatal(err)
		}
		if err := talk(); err == nil && misbehaviour != "unsolicited" {
			t.Errorf("%s broke nothing", misbehaviour)
		}
	}
	// A key that cannot be read makes an error, whose text must not hold what was read.
	junk := "-----BEGIN PRIVATE KEY-----\n" + payload + "\n-----END PRIVATE KEY-----\n"
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte(junk), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Rotate(); err == nil || strings.Contains(err.Error(), payload) {
		t.Errorf("Rotate: %v", err)
	}
	p.Close(0)

	text := log.String()
	for _, event := range []string{`"msg":"write"`, `"msg":"read"`, `"msg":"connection lost"`, `"msg":"pool closed"`} {
		if !strings.Contains(text, event) {
			t.Fatalf("no %s in the log, which so proves nothing:\n%s", event, text)
		}
	}
	for what, secret := range map[string]string{
		"token": token, "payload": payload, "private key": strings.Split(string(pem), "\n")[1],
	} {
		for _, spelling := range spellings(secret) {
			if strings.Contains(text, spelling) {
				t.Errorf("the %s is in the log", what)
			}
		}
	}
}
