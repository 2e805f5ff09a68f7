"""One question over a pooled TLS connection, with every error handled.

    python3 first.py relay.example:443 ca.pem

The server is a relay that repeats what it is sent after ECHO.
"""

import sys

import sprint


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: first.py HOST:PORT CA_FILE", file=sys.stderr)
        return 2
    endpoint, ca_file = sys.argv[1:]
    try:
        with sprint.Pool(endpoint, ca_file=ca_file) as pool, pool.acquire(timeout=5) as conn:
            conn.write(b"ECHO\nPING\n", timeout=5)
            print(conn.read_exact(5, timeout=5).decode(), end="")
    except sprint.SprintError as error:
        print(f"{error.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
