// Package foreign has the image's descriptions judged by the libraries of those
// who defined the formats: VMware's for the OVA, CycloneDX's schema for the bill
// of materials. It is a module of its own so that what they need is no
// dependency of the product's.
package foreign
