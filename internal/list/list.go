// Package list is a doubly linked list that allocates nothing: an element carries its
// own links, and can be taken out wherever it stands. It has no lock.
package list

// Node is the place of a value in one list or in none. It is part of that value, and
// must not be copied while it is in a list.
type Node[T any] struct {
	Value         T
	before, after *Node[T]
	listed        bool
}

// Listed reports whether the node is in a list.
func (n *Node[T]) Listed() bool { return n.listed }

// Next is the node behind n, nil for the last.
func (n *Node[T]) Next() *Node[T] { return n.after }

// List is empty in its zero value.
type List[T any] struct {
	head, tail *Node[T]
	n          int
}

// Len is the number of nodes.
func (l *List[T]) Len() int { return l.n }

// Front is the first node, nil if there is none.
func (l *List[T]) Front() *Node[T] { return l.head }

// PushBack adds a node, which is in no list, at the end.
func (l *List[T]) PushBack(n *Node[T]) { l.InsertAfter(n, l.tail) }

// InsertAfter adds a node, which is in no list, behind one of this list; at the start
// for nil.
func (l *List[T]) InsertAfter(n, before *Node[T]) {
	n.before, n.after, n.listed = before, *l.behind(before), true
	*l.behind(before), *l.inFrontOf(n.after) = n, n
	l.n++
}

// Remove takes out a node of this list.
func (l *List[T]) Remove(n *Node[T]) {
	*l.behind(n.before), *l.inFrontOf(n.after) = n.after, n.before
	n.before, n.after, n.listed = nil, nil, false
	l.n--
}

// behind is the link that leads on from n, or from the list's start for nil.
func (l *List[T]) behind(n *Node[T]) **Node[T] {
	if n == nil {
		return &l.head
	}
	return &n.after
}

// inFrontOf is the link that leads back from n, or from the list's end for nil.
func (l *List[T]) inFrontOf(n *Node[T]) **Node[T] {
	if n == nil {
		return &l.tail
	}
	return &n.before
}
