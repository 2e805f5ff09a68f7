package pool

// The names that the bindings use, and that older code knows. ConnectionStatus is the same
// everywhere.
type (
	// SecureChannelPool is a Pool.
	SecureChannelPool = Pool
	// PoolStatus is a Status.
	PoolStatus = Status
)
