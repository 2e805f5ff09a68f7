//go:build !sprint_panic

package main

func panicOnDemand() {}
