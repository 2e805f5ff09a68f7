package pool

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// maxEndpoints bounds what one list may name.
const maxEndpoints = 64

// endpoint is one place to dial, and what happened there.
type endpoint struct {
	addr  string // host:port
	named bool   // the host is not an address
	index uint32 // in the list
	tls   atomic.Pointer[tls.Config]
	measured
	losses, dialLosses repeats

	// Guarded by the pool's mutex.
	active      int // open connections
	dialing     int
	resolving   bool
	resolveAt   time.Duration // when its name is due; 0: not known yet
	breaker     breaker
	retries     *backoff.ExponentialBackOff
	retryAt     time.Duration // no dial before, after one that failed
	failedDials uint64        // since the last one that succeeded
	lastErr     error         // why the last dial failed; nil if it did not
	spares      *rate.Limiter // of dials that nobody waits for
	score       score
	handshakes  handshakes
	peerExpiry  time.Time // of the certificate shown last
}

// Retries of an endpoint: the first after about firstRetry, then twice as long each
// time. They stop when the breaker opens.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// sparesPerSecond bounds the dials to one endpoint that no caller waits for.
const sparesPerSecond = 20

func newEndpoint(addr string, o *Options) *endpoint {
	host, _, _ := net.SplitHostPort(addr)
	_, notAddress := netip.ParseAddr(host)
	e := &endpoint{
		addr: addr, named: notAddress != nil,
		breaker: newBreaker(o.BreakerThreshold, o.BreakerCooldown),
		retries: &backoff.ExponentialBackOff{
			InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 0.5,
		},
		spares: rate.NewLimiter(sparesPerSecond, o.MaxDials),
	}
	e.measured.init()
	return e
}

// parseEndpoints reads "host:port[,host:port...]".
func parseEndpoints(list string) ([]string, error) {
	parts := strings.Split(list, ",")
	if len(parts) > maxEndpoints {
		return nil, errorf(ErrOption, nil, "endpoints: more than %d", maxEndpoints)
	}
	seen := make(map[string]bool, len(parts))
	addrs := make([]string, 0, len(parts))
	for _, part := range parts {
		addr, err := parseEndpoint(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if seen[addr] {
			return nil, errorf(ErrOption, nil, "endpoint %q: given twice", addr)
		}
		seen[addr] = true
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

func parseEndpoint(s string) (string, error) {
	bad := func(why string) error { return errorf(ErrOption, nil, "endpoint %q: %s", s, why) }
	if s == "" {
		return "", bad("empty; want host:port")
	}
	host, port, err := net.SplitHostPort(s)
	switch {
	case err != nil && strings.Count(s, ":") > 1 && !strings.HasPrefix(s, "["):
		return "", bad("want host:port, an IPv6 address in brackets: [::1]:443")
	case err != nil:
		return "", bad("want host:port")
	case strings.HasPrefix(s, "[") && !strings.Contains(host, ":"):
		return "", bad("brackets are for IPv6 addresses")
	case host == "":
		return "", bad("the host is missing")
	case len(host) > 255 || !utf8.ValidString(host) || strings.ContainsAny(host, " \t\r\n/@?#\x00"):
		return "", bad("not a host name or address")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.String() // IPv6 has many spellings of one address
	} else if strings.Contains(host, ":") {
		return "", bad("not an IPv6 address")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", bad("the port must be a number from 1 to 65535")
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}
