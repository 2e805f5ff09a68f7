package list

import (
	"slices"
	"testing"
)

// values walks the list in both directions.
func values(t *testing.T, l *List[int]) (all []int) {
	t.Helper()
	for n := l.Front(); n != nil; n = n.Next() {
		all = append(all, n.Value)
	}
	var backwards []int
	for n := l.tail; n != nil; n = n.before {
		backwards = append(backwards, n.Value)
	}
	slices.Reverse(backwards)
	if !slices.Equal(all, backwards) || len(all) != l.Len() {
		t.Fatalf("forwards %v, backwards %v, length %d", all, backwards, l.Len())
	}
	return all
}

func TestNodesStandWhereTheyWerePutAndLeaveFromAnywhere(t *testing.T) {
	var l List[int]
	nodes := make([]Node[int], 5)
	for i := range nodes {
		nodes[i].Value = i
	}
	l.PushBack(&nodes[1])
	l.PushBack(&nodes[2])
	l.InsertAfter(&nodes[0], nil)
	l.PushBack(&nodes[4])
	l.InsertAfter(&nodes[3], &nodes[2])
	want := []int{0, 1, 2, 3, 4}
	for _, i := range []int{2, 0, 4, 3, 1} { // middle, first, last, last, only
		if got := values(t, &l); !slices.Equal(got, want) {
			t.Fatalf("%v, not %v", got, want)
		}
		if !nodes[i].Listed() {
			t.Errorf("%d is not listed", i)
		}
		l.Remove(&nodes[i])
		if nodes[i].Listed() {
			t.Errorf("%d is listed after it was removed", i)
		}
		want = slices.DeleteFunc(want, func(v int) bool { return v == i })
	}
	if got := values(t, &l); len(got) != 0 {
		t.Errorf("%v left", got)
	}
	l.InsertAfter(&nodes[2], nil) // a node can come back
	if got := values(t, &l); !slices.Equal(got, []int{2}) {
		t.Errorf("%v, not [2]", got)
	}
}

func TestAListAllocatesNothing(t *testing.T) {
	var l List[int]
	var n Node[int]
	if got := testing.AllocsPerRun(10, func() { l.PushBack(&n); l.Remove(&n) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
