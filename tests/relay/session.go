package relay

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"time"
)

// The protocol is lines that end in \n. If the first line is ECHO, every byte after
// it is echoed. Otherwise each line is a command with a one-line answer:
//
//	NONCE         NONCE <64 hex>   32 random bytes, the same for one connection
//	LOGIN <hex>   OK               hex = HMAC-SHA256(login key, the 32 bytes)
//	              ERR bad mac
//	PING          PONG
//	PING <text>   PONG <text>      text of at most MaxText bytes
//	              ERR login first
//	TAKE <n>      TOOK <n>         after n bytes, of any kind, that follow the line
//	GIVE <n>                       n bytes of any kind
//	              ERR bad size     n is not a number from 1 to MaxBulk
//	QUIT          BYE              and close_notify
//	anything else ERR unknown command
//
// A line longer than MaxText allows is answered with ERR line too long, and the
// connection is closed.

// MaxText is the longest text of PING in bytes.
const MaxText = 4096

const (
	maxLine  = len("PING ") + MaxText + len("\n")
	echoSize = 32 << 10
	// lingerTime bounds the wait for the peer's own end after ours.
	lingerTime = time.Second
)

// errEnded says that the session has ended its connection itself.
var errEnded = errors.New("relay: session ended")

// session is one connection of the TLS listener. One goroutine uses it.
type session struct {
	r    *Relay
	tcp  *net.TCPConn
	tls  *tls.Conn
	in   *bufio.Reader
	out  []byte // the reply under construction, reused
	bulk []byte // of TAKE and GIVE, made at the first
	sent int64  // application bytes

	nonce    [32]byte
	loggedIn bool
}

// serveTLS is the life of one connection; the caller closes tcp.
func (r *Relay) serveTLS(tcp *net.TCPConn) {
	sw := r.switches.Load()
	if sw.refuse {
		tcp.SetLinger(0)
		return
	}
	if sw.stallHandshake {
		io.Copy(io.Discard, tcp)
		return
	}
	s := &session{r: r, tcp: tcp, tls: tls.Server(&line{TCPConn: tcp, r: r}, r.configFor(sw))}
	if err := s.tls.Handshake(); err != nil {
		r.stats.handshakeErrors.Add(1)
		return
	}
	r.stats.handshakes.Add(1)
	s.in = bufio.NewReaderSize(s.tls, maxLine)
	rand.Read(s.nonce[:])
	if sw.unsolicited && s.send(unsolicited) != nil {
		return
	}
	r.mu.Lock()
	r.sessions[s] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.sessions, s)
		r.mu.Unlock()
	}()
	if s.run() == nil {
		s.end(endClose)
	}
}

func (r *Relay) configFor(sw *switches) *tls.Config {
	if sw.clientAuth && sw.leaf == leafGood {
		return r.clientAuth
	}
	return r.tls[sw.leaf]
}

// run answers until the peer ends the connection or an error ends it. Nil means that
// a close_notify is still owed.
func (s *session) run() error {
	line, err := s.readLine()
	if err == nil && bytes.Equal(line, []byte("ECHO")) {
		return s.echo()
	}
	for ; err == nil; line, err = s.readLine() {
		if err := s.command(line); err != nil {
			return err
		}
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return s.reply("ERR line too long")
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (s *session) readLine() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	s.r.stats.bytesIn.Add(int64(len(line)))
	return bytes.TrimSuffix(line, []byte("\n")), err
}

// echo copies without an allocation per message: s.in is smaller than buf, so once it
// is empty it reads straight into buf.
func (s *session) echo() error {
	buf := make([]byte, echoSize)
	for {
		n, err := s.in.Read(buf)
		s.r.stats.bytesIn.Add(int64(n))
		if n > 0 {
			if err := s.send(buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) command(line []byte) error {
	verb, arg, _ := bytes.Cut(line, []byte(" "))
	switch string(verb) {
	case "NONCE":
		s.out = hex.AppendEncode(append(s.out[:0], "NONCE "...), s.nonce[:])
		return s.sendLine()
	case "LOGIN":
		return s.login(arg)
	case "PING":
		return s.ping(line)
	case "TAKE":
		return s.take(arg)
	case "GIVE":
		return s.give(arg)
	case "QUIT":
		if err := s.reply("BYE"); err != nil {
			return err
		}
		s.end(endClose)
		return errEnded
	default:
		return s.reply("ERR unknown command")
	}
}

func (s *session) login(arg []byte) error {
	mac := hmac.New(sha256.New, s.r.LoginKey)
	mac.Write(s.nonce[:])
	got, err := hex.AppendDecode(nil, arg)
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		return s.reply("ERR bad mac")
	}
	s.loggedIn = true
	s.r.stats.logins.Add(1)
	return s.reply("OK")
}

func (s *session) ping(line []byte) error {
	if !s.loggedIn {
		return s.reply("ERR login first")
	}
	s.r.stats.pings.Add(1)
	s.out = append(append(s.out[:0], "PONG"...), line[len("PING"):]...)
	return s.sendLine()
}

func (s *session) reply(text string) error {
	s.out = append(s.out[:0], text...)
	return s.sendLine()
}

func (s *session) sendLine() error {
	s.out = append(s.out, '\n')
	return s.send(s.out)
}

// send writes p as the switches of this moment want it: late, cut short, or not at all.
func (s *session) send(p []byte) error {
	sw := s.r.switches.Load()
	if sw.delay > 0 && !s.r.pause(sw.delay) {
		return errEnded
	}
	ending := endNone
	if sw.ending != endNone && s.sent+int64(len(p)) >= sw.endAfter {
		ending = sw.ending
		p = p[:max(sw.endAfter-s.sent, 0)]
	}
	if len(p) > 0 {
		n, err := s.tls.Write(p)
		s.sent += int64(n)
		s.r.stats.bytesOut.Add(int64(n))
		if err != nil {
			return err
		}
	}
	if ending != endNone {
		s.end(ending)
		return errEnded
	}
	return nil
}

// end finishes the connection in the given way; the caller closes tcp.
func (s *session) end(how ending) {
	switch how {
	case endReset:
		s.tcp.SetLinger(0)
		return
	case endClose:
		s.tls.CloseWrite()
	}
	// Closing a socket that holds unread bytes sends RST and may take the last reply
	// with it (RFC 1122, 4.2.2.13): send FIN, then read what the peer still says.
	s.tcp.CloseWrite()
	s.tcp.SetReadDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, s.tcp)
}

// echoRaw serves one connection of the plain listener.
func echoRaw(tcp *net.TCPConn) {
	buf := make([]byte, echoSize)
	for {
		n, err := tcp.Read(buf)
		if n > 0 {
			if _, err := tcp.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
