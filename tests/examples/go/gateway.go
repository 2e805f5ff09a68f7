package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// gateway answers clients with what the relay says.
type gateway struct {
	relay *pool.SecureChannelPool
	key   *securemem.SecureBuffer
}

// ping passes ?text= to the relay. What went wrong is told by the kind of the error.
func (g *gateway) ping(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	text := r.URL.Query().Get("text")
	if strings.ContainsAny(text, "\r\n") {
		http.Error(w, "text: one line", http.StatusBadRequest)
		return
	}
	answer, err := g.ask(ctx, "PING "+text)
	switch {
	case err == nil:
		fmt.Fprintln(w, answer)
	case errors.Is(err, pool.ErrExhausted), errors.Is(err, pool.ErrBreakerOpen):
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	case errors.Is(err, pool.ErrTimeout):
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
	default:
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// ask leases a connection for one line and the line that answers it.
func (g *gateway) ask(ctx context.Context, line string) (string, error) {
	c, err := g.relay.Acquire(ctx)
	if err != nil {
		return "", err
	}
	// A connection that failed or holds bytes that were not read is closed by Release.
	defer c.Release()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	if c.Uses() == 0 { // fresh: a login is good for as long as the connection lives
		if err := g.logIn(c); err != nil {
			c.Discard()
			return "", err
		}
	}
	return say(c, line)
}

// logIn proves that we have the key: the relay gives a number, and gets its HMAC. The key stays
// where it is.
func (g *gateway) logIn(c pool.Conn) error {
	answer, err := say(c, "NONCE")
	if err != nil {
		return err
	}
	nonce, err := hex.DecodeString(strings.TrimPrefix(answer, "NONCE "))
	if err != nil {
		return fmt.Errorf("no number but %q", answer)
	}
	mac := make([]byte, securemem.SHA256.Size())
	if _, err := g.key.HMAC(securemem.SHA256, nonce, mac); err != nil {
		return err
	}
	if answer, err = say(c, "LOGIN "+hex.EncodeToString(mac)); err == nil && answer != "OK" {
		err = fmt.Errorf("login refused: %s", answer)
	}
	return err
}

// say sends a line and reads one. Not a byte after it is read: there is none in this protocol,
// and what is left over would close the connection.
func say(c pool.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	var answer []byte
	for part := make([]byte, 4096); ; {
		n, err := c.Read(part)
		answer = append(answer, part[:n]...)
		if text, ok := strings.CutSuffix(string(answer), "\n"); ok {
			return text, nil
		}
		if err != nil {
			return "", err
		}
	}
}
