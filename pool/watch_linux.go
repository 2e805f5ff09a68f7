package pool

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// watch tells the cleanup task at once when a peer ends a connection: one epoll
// descriptor of our own, on which every open connection is registered for the end of its
// stream only. Answers to requests do not wake it.
type watch struct {
	epoll *os.File // in the Go poller
	done  chan struct{}
	open  map[uint64]*channel // guarded by the pool's mutex, by connection
}

// watchEvents is how many ends are taken in at a time.
const watchEvents = 64

// watchOver registers a connection while the cleanup task runs. It makes the descriptor
// with the first connection that has a socket. The caller holds mu: epoll_ctl does not
// wait, and what is in p.open is not closed meanwhile.
func (p *Pool) watchOver(ch *channel) {
	if !p.cleanup.running.Load() || p.state != running {
		return
	}
	err := ch.socket.Control(func(fd int) error {
		if p.watch == nil {
			if err := p.startWatch(); err != nil {
				return err
			}
		}
		p.watch.open[ch.id] = ch
		return p.watch.add(fd, ch.id)
	})
	if err != nil {
		p.blind = err
	}
}

func (p *Pool) startWatch() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return os.NewSyscallError("fcntl", err)
	}
	w := &watch{epoll: os.NewFile(uintptr(fd), "epoll"), done: make(chan struct{}), open: map[uint64]*channel{}}
	p.watch = w
	spawn.Go("watch", func() {
		defer close(w.done)
		defer p.caught("watch")
		w.run(p)
	})
	return nil
}

// add registers a socket for one event: the end of the stream, or an error.
func (w *watch) add(fd int, id uint64) error {
	raw, err := w.epoll.SyscallConn()
	if err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(id), Pad: int32(id >> 32)}
	if ctlErr := raw.Control(func(epoll uintptr) {
		err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &event))
	}); ctlErr != nil {
		return ctlErr
	}
	return err
}

// run takes ends in until the descriptor is closed.
func (w *watch) run(p *Pool) {
	raw, err := w.epoll.SyscallConn()
	if err != nil {
		return
	}
	events := make([]unix.EpollEvent, watchEvents)
	for {
		n := 0
		if err := raw.Read(func(fd uintptr) bool {
			n, err = unix.EpollWait(int(fd), events, 0)
			return n > 0 || err != nil && err != unix.EINTR
		}); err != nil || n <= 0 {
			return
		}
		p.lock()
		for _, e := range events[:n] {
			p.hungUp(w.open[uint64(uint32(e.Fd))|uint64(uint32(e.Pad))<<32])
		}
		p.pump()
		p.unlock()
	}
}

// stopWatch ends it and waits for it. The caller does not hold mu.
func (p *Pool) stopWatch() {
	p.mu.Lock()
	w := p.watch
	p.watch = nil
	p.mu.Unlock()
	if w != nil {
		_ = w.epoll.Close()
		<-w.done
	}
}

// forget takes a retired connection out. The caller holds mu.
func (w *watch) forget(ch *channel) {
	if w != nil {
		delete(w.open, ch.id)
	}
}
