// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package document

import "encoding/binary"

// Texts are looked at eight bytes at a time, as one number whose lowest byte is
// the first. An answer has the upper bit set of each byte that is meant.
const (
	low  = 0x0101010101010101 // times a byte: eight of it
	high = 0x8080808080808080
)

// eight are the first bytes of a text that has so many.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// eightOf is eight of bytes.
func eightOf(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }

// zeros finds the bytes that are zero.
func zeros(x uint64) uint64 { return ^((x&^high + ^uint64(high)) | x) & high }

// firstZero is zeros in half the time; only the first one that it finds is to be trusted.
func firstZero(x uint64) uint64 { return (x - low) &^ x & high }

// firstBelow finds bytes below space, as firstZero does.
func firstBelow(x uint64) uint64 { return (x - low*' ') &^ x & high }

// unusual finds bytes that are not printable ASCII, as firstZero does.
func unusual(x uint64) uint64 { return firstBelow(x) | x&high | firstZero(x^low*0x7F) }
