package pool

import "time"

// waiter is one caller in Acquire that found nothing idle.
type waiter struct {
	prev, next *waiter // guarded by the pool's mutex
	queued     bool

	// result has room for one, so that whoever serves a waiter never waits for it.
	result chan handOff
	timer  *time.Timer
}

// handOff is what a waiter waits for: a connection, already counted as lent to it,
// or the reason why there is none.
type handOff struct {
	ch    *channel
	fresh bool // just dialled: no probe needed
	err   error
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
}

func (q *waitQueue) pushBack(w *waiter) {
	w.prev, w.next, w.queued = q.tail, nil, true
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	q.len++
}

// pushFront is for a waiter that was served with a connection found dead: it has
// waited longest.
func (q *waitQueue) pushFront(w *waiter) {
	w.prev, w.next, w.queued = nil, q.head, true
	if q.head == nil {
		q.tail = w
	} else {
		q.head.prev = w
	}
	q.head = w
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

// serve gives the first waiter its result; false if nobody waits.
func (q *waitQueue) serve(h handOff) bool {
	w := q.head
	if w == nil {
		return false
	}
	q.remove(w)
	w.result <- h
	return true
}
