// go-redis keeps its pool in an internal package, which only what lies under its module
// path may import: hence the path of this module.
module github.com/redis/go-redis/v9/redispool

go 1.26.0

require github.com/redis/go-redis/v9 v9.23.0

require go.uber.org/atomic v1.12.0 // indirect
