module quorate.org/foreign

go 1.26

require (
	github.com/CycloneDX/cyclonedx-go v0.12.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/vmware/govmomi v0.51.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	golang.org/x/text v0.25.0 // indirect
)
