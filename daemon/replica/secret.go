package replica

import "crypto/rand"

// secretLength is the length of a generated call bridge secret, in characters.
const secretLength = 19

const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewSecret returns a random call bridge secret: 19 characters of [A-Za-z0-9],
// 113 bits. Apply never calls it; a command carries the result.
func NewSecret() string {
	secret := make([]byte, 0, secretLength)
	var buf [32]byte
	for {
		rand.Read(buf[:]) // never fails since Go 1.24
		for _, b := range buf {
			if int(b) >= 256-256%len(secretAlphabet) {
				continue // keep every character equally likely
			}
			secret = append(secret, secretAlphabet[int(b)%len(secretAlphabet)])
			if len(secret) == secretLength {
				return string(secret)
			}
		}
	}
}
