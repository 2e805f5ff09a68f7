package securemem

import "sync"

// queue is a list of free slots. First in, first out: a slot rests as long as it can,
// so that a stale pointer meets pages without access.
type queue struct {
	mu         sync.Mutex
	head, tail *slot
	n          int
}

func (q *queue) push(s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.next = nil
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
	q.n++
}

func (q *queue) pop() *slot {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.head
	if s == nil {
		return nil
	}
	q.head = s.next
	if q.head == nil {
		q.tail = nil
	}
	s.next = nil
	q.n--
	return s
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}
