// What /status/overview answers. Keys are only ever added there (overview.go, history.go).

export interface Health {
  status: string;
  pool_healthy: boolean;
  cause?: string;
  reason?: string;
}

export interface Endpoint {
  endpoint: string;
  active_connections: number;
  total_reconnects: number;
  total_errors: number;
  total_dials: number;
  circuit_breaker: string;
  circuit_breaker_trips: number;
  last_error?: string;
  peer_certificate_expires?: string;
}

export interface Connection {
  connection_id: number;
  endpoint: string;
  state: string;
  p50_latency_us: number;
  p95_latency_us: number;
  p99_latency_us: number;
  samples: number;
  uses: number;
  errors: number;
  age_ms: number;
}

export interface Status {
  name: string;
  endpoint: string;
  max_connections: number;
  idle: number;
  lent: number;
  dialing: number;
  closing: number;
  waiting: number;
  total_errors: number;
  paused: boolean;
  circuit_breaker: string;
  endpoints: Endpoint[];
  connections: Connection[];
}

export interface Distribution {
  p50: number[];
  p95: number[];
  p99: number[];
}

export interface Columns {
  began_ms: number;
  interval_ms: number;
  next: number;
  time_ms: number[];
  idle: number[];
  lent: number[];
  dialing: number[];
  closing: number[];
  waiting: number[];
  healthy: boolean[];
  requests: number[];
  acquires: number[];
  errors_by_kind: Record<string, number[]>;
  latency_us: Distribution;
  acquire_wait_us: Distribution;
}

export interface Memory {
  enabled: boolean;
  self_check: string;
  backend: string;
  active_buffers: number;
  unlocked_buffers: number;
  locked_bytes: number;
  canary_failures: number;
}

export interface Overview {
  version: string;
  pools: (Health & { name: string })[];
  pool: { health: Health; ready: Health; status: Status; history: Columns } | null;
  memory: Memory | null;
}
