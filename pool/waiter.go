package pool

import "time"

// waiter is one caller in Acquire that found nothing idle.
type waiter struct {
	prev, next *waiter // guarded by the pool's mutex
	queued     bool
	turn       uint64 // of its arrival

	// result has room for one, so that whoever serves a waiter never waits for it.
	result chan handOff
	timer  *time.Timer
	bell   Bell  // rung when there is a result, if nobody waits for that
	seat   *Seat // for the lease; nil is none
}

// handOff is what a waiter waits for: a connection, already counted as lent to it,
// or the reason why there is none.
type handOff struct {
	ch  *channel
	out outcome // outDialed needs no probe
	err error
}

func newWaiter() any {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &waiter{result: make(chan handOff, 1), timer: t}
}

// waitQueue is first in, first out, with removal from anywhere.
type waitQueue struct {
	head, tail *waiter
	len        int
	turns      uint64
	rung       []Bell // of those served, for Pool.unlock
}

func (q *waitQueue) pushBack(w *waiter) {
	q.turns++
	w.turn = q.turns
	q.insert(q.tail, w, nil)
}

// pushAgain is for a waiter that was served with a connection found dead: it keeps its
// turn, which is near the front.
func (q *waitQueue) pushAgain(w *waiter) {
	var prev *waiter
	next := q.head
	for next != nil && next.turn < w.turn {
		prev, next = next, next.next
	}
	q.insert(prev, w, next)
}

func (q *waitQueue) insert(prev, w, next *waiter) {
	w.prev, w.next, w.queued = prev, next, true
	if prev == nil {
		q.head = w
	} else {
		prev.next = w
	}
	if next == nil {
		q.tail = w
	} else {
		next.prev = w
	}
	q.len++
}

func (q *waitQueue) remove(w *waiter) {
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.len--
}

// unring takes out the bell that was to be rung last.
func (q *waitQueue) unring() (b Bell) {
	if n := len(q.rung) - 1; n >= 0 {
		b, q.rung[n], q.rung = q.rung[n], nil, q.rung[:n]
	}
	return b
}

// serve gives the first waiter its result; false if nobody waits.
func (q *waitQueue) serve(h handOff) bool {
	w := q.head
	if w == nil {
		return false
	}
	q.remove(w)
	if w.bell != nil {
		q.rung = append(q.rung, w.bell)
	}
	w.result <- h
	return true
}
