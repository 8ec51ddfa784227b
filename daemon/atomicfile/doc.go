// Package atomicfile writes files so that a reader, or a start after a power
// failure, finds all of the old bytes or all of the new ones, never a part.
//
// It knows nothing of what it writes. A call that fails leaves what was there; a
// crash may leave a file whose name begins with Prefix beside it, which nobody
// reads and anybody may remove. Calls for different files may run concurrently;
// of two for one file the later rename wins.
package atomicfile
