package pool

import "time"

// closeSlack is how long Close may go on after the grace, for dials and closes that
// are being broken off.
const closeSlack = time.Second

// Close ends the pool: no new leases, waiters and dials end with ErrClosed, idle
// connections are closed, and leases may go on until the grace is over, when they
// are cut off. It returns how many were. It takes at most grace and one second; a
// later call finds nothing to cut.
func (p *Pool) Close(grace time.Duration) (forced int) {
	p.lock()
	if p.state == running {
		p.state = closingDown
		p.unshelve()
		p.stop()
		p.failAll(errorf(ErrClosed, nil, "the pool was closed"), outClosed)
		p.setAlarm(never, 0)
		for _, ch := range p.idle {
			p.retire(ch, closedDrain, false)
		}
		p.idle = nil
		p.noteDrained()
		defer func() { p.log.Info("pool closed", "forced", forced) }()
	}
	p.unlock()
	p.StopCleanup()
	if p.waitDrained(grace) {
		return 0
	}

	p.mu.Lock()
	for _, ch := range p.open { // nothing is idle any more
		if !ch.cutOff {
			ch.cutOff = true
			ch.socket.Shutdown()
			p.cut++
			forced++
		}
	}
	p.state = closed
	p.noteDrained()
	p.mu.Unlock()
	p.waitDrained(closeSlack)
	return forced
}

// noteDrained wakes Close when nothing is left to wait for. The caller holds mu.
func (p *Pool) noteDrained() {
	if p.state == running || p.dials > 0 || p.closing > 0 || p.lent > p.cut {
		return
	}
	p.state = closed
	select {
	case <-p.drained:
	default:
		close(p.drained)
	}
}

func (p *Pool) waitDrained(limit time.Duration) bool {
	select {
	case <-p.drained:
		return true
	default:
	}
	if limit <= 0 {
		return false
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.drained:
		return true
	case <-timer.C:
		return false
	}
}
