//go:build tools

// Names the program that is built here, so that its source is fetched.
package tools

import _ "github.com/micromdm/scep/v2/cmd/scepclient"
