// Package redispool shows the connection pool of go-redis to the lease benchmark.
package redispool

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9/internal/pool"
)

// Conn is a connection of the pool.
type Conn = pool.Conn

// New makes a pool of size connections with the limits that go-redis has by default,
// but for the time to wait: no caller of the benchmark is to give up.
func New(size int, dial func() (net.Conn, error)) *pool.ConnPool {
	return pool.NewConnPool(&pool.Options{
		Dialer:             func(context.Context) (net.Conn, error) { return dial() },
		PoolSize:           int32(size),
		MaxConcurrentDials: size,
		PoolTimeout:        time.Minute,
		DialTimeout:        5 * time.Second,
		ConnMaxIdleTime:    30 * time.Minute,
		ReadBufferSize:     1 << 10,
		WriteBufferSize:    1 << 10,
	})
}

// Get leases a connection. A new one counts as initialised, as after the client's HELLO.
func Get(p *pool.ConnPool) (*Conn, error) {
	c, err := p.Get(context.Background())
	if err == nil && c.GetStateMachine().GetState() == pool.StateCreated {
		c.GetStateMachine().Transition(pool.StateInUse)
	}
	return c, err
}
