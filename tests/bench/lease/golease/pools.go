package main

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/jackc/puddle/v2"
	"github.com/redis/go-redis/v9/redispool"
	"golang.org/x/sys/unix"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// where says what the pools connect to: ours over TLS, the peers over plain TCP, which
// is all that their checks look at.
type where struct{ tlsAddress, tcpAddress, caFile string }

// pools make a lender with that many callers on n connections. A peer's resource is
// trivial, or a socket that is looked at before each use: what its documentation has
// for that, or one peek as ours does.
var pools = map[string]func(callers, n int, at where) (*lender, error){
	"sprint":         openOurs,
	"sprint_noprobe": openUnprobed,
	"puddle":         openPuddle,
	"puddle_peek":    openPuddlePeek,
	"goredis":        openRedis,
	"goredis_peek":   openRedisPeek,
}

func options(callers, n int) pool.Options {
	o := pool.Defaults()
	o.MaxConnections, o.MinIdle, o.MaxWaiters = n, 0, callers
	return o
}

func openOurs(callers, n int, at where) (*lender, error) {
	o := options(callers, n)
	o.CAFile = at.caFile
	return ours(callers, n, at.tlsAddress, o, pool.New)
}

func openUnprobed(callers, n int, at where) (*lender, error) {
	return ours(callers, n, at.tlsAddress, options(callers, n), pool.NewUnprobed)
}

func ours(callers, n int, address string, o pool.Options, make func(string, pool.Options) (*pool.Pool, error)) (*lender, error) {
	p, err := make(address, o)
	if err != nil {
		return nil, err
	}
	return newLender(callers, n,
		func() (pool.Conn, error) { return p.Acquire(context.Background()) },
		pool.Conn.Release)
}

func openPuddle(callers, n int, _ where) (*lender, error) {
	p, err := puddle.NewPool(&puddle.Config[int]{
		Constructor: func(context.Context) (int, error) { return 1, nil },
		Destructor:  func(int) {},
		MaxSize:     int32(n),
	})
	if err != nil {
		return nil, err
	}
	return newLender(callers, n,
		func() (*puddle.Resource[int], error) { return p.Acquire(context.Background()) },
		(*puddle.Resource[int]).Release)
}

func openPuddlePeek(callers, n int, at where) (*lender, error) {
	p, err := puddle.NewPool(&puddle.Config[*peeked]{
		Constructor: func(context.Context) (*peeked, error) { return dialPeeked(at.tcpAddress) },
		Destructor:  func(s *peeked) { s.conn.Close() },
		MaxSize:     int32(n),
	})
	if err != nil {
		return nil, err
	}
	return newLender(callers, n,
		func() (*puddle.Resource[*peeked], error) {
			r, err := p.Acquire(context.Background())
			if err == nil && !r.Value().silent() {
				err = errors.New("puddle: a connection is dead")
			}
			return r, err
		},
		(*puddle.Resource[*peeked]).Release)
}

// peeked is a socket that can be looked at without an allocation.
type peeked struct {
	conn net.Conn
	raw  syscall.RawConn
	peek func(fd uintptr)
	one  [1]byte
	err  error
}

func dialPeeked(address string) (*peeked, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &peeked{conn: conn, raw: raw}
	s.peek = func(fd uintptr) {
		_, _, s.err = unix.Recvfrom(int(fd), s.one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}
	return s, nil
}

func (s *peeked) silent() bool {
	return s.raw.Control(s.peek) == nil && s.err == unix.EAGAIN
}

func openRedis(callers, n int, _ where) (*lender, error) {
	return redis(callers, n, func() (net.Conn, error) {
		ours, _ := net.Pipe() // not a socket: go-redis has nothing to check
		return ours, nil
	})
}

func openRedisPeek(callers, n int, at where) (*lender, error) {
	return redis(callers, n, func() (net.Conn, error) { return net.Dial("tcp", at.tcpAddress) })
}

func redis(callers, n int, dial func() (net.Conn, error)) (*lender, error) {
	p := redispool.New(n, dial)
	return newLender(callers, n,
		func() (*redispool.Conn, error) { return redispool.Get(p) },
		func(c *redispool.Conn) { p.Put(context.Background(), c) })
}
