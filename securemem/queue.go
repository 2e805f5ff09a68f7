package securemem

import (
	"sync"

	"github.com/bitcoin-sprint/libsprint/internal/list"
)

// queue is a list of free slots. First in, first out: a slot rests as long as it can,
// so that a stale pointer meets pages without access.
type queue struct {
	mu    sync.Mutex
	slots list.List[*slot]
}

func (q *queue) push(s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.place.Value = s
	q.slots.PushBack(&s.place)
}

func (q *queue) pop() *slot {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.slots.Front()
	if first == nil {
		return nil
	}
	q.slots.Remove(first)
	return first.Value
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.slots.Len()
}
