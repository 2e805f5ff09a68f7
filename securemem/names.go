package securemem

// SecureBuffer is a Buffer, by the name that the bindings use and that older code knows.
// MemoryProtectionStatus is the same everywhere.
type SecureBuffer = Buffer
