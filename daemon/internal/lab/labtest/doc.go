// Package labtest gives tests a lab: one formed three-node cluster shared by
// the tests of a binary, or an own one where a test needs another start.
//
// Each test that asks gets the shared cluster healthy, whatever the test
// before it did; a cluster that can not be brought back, or whose test failed,
// is thrown away and made anew. Not safe for parallel tests.
package labtest
