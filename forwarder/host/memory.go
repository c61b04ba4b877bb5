package host

import "math"

// fallbackMemory stands for a size that the system does not tell.
const fallbackMemory = 1 << 30

// overhead is the memory of a server with an empty cache, in octets: batches,
// sockets, clients that wait, replies that are not read, and what the garbage
// collector needs to keep calm.
const overhead = 128 << 20

// MemoryLimit is the memory in octets that a server should be held to whose
// cache takes cacheBytes (0 is no limit): what it needs, but not quite all
// that there is. It is meant for debug.SetMemoryLimit.
func MemoryLimit(cacheBytes int64) int64 { return memoryLimit(cacheBytes, Memory()) }

// memoryLimit adds a quarter: entries are charged with what they occupy, but
// those just dropped are garbage for a while.
func memoryLimit(cacheBytes int64, memory uint64) int64 {
	most := int64(min(usable(memory), math.MaxInt64))
	if cacheBytes <= 0 || cacheBytes > most {
		return most
	}
	return min(most, cacheBytes+cacheBytes/4+overhead)
}

// CacheRoom is the largest cache that memory has room for beside the overhead.
func CacheRoom(memory uint64) uint64 {
	n := usable(memory)
	if n < 2*overhead {
		return n / 4
	}
	return (n - overhead) / 5 * 4
}

// usable leaves some for the program itself and the kernel's socket buffers.
func usable(memory uint64) uint64 { return memory - memory/16 }
