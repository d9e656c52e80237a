// Go's own answer: on each line of standard input a certificate in base64, a tab and a host; out comes "", or its error.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

func answer(certificate, host string) string {
	der, err := base64.StdEncoding.DecodeString(certificate)
	if err != nil {
		return err.Error()
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return "parse: " + err.Error()
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		asked := strings.SplitN(lines.Text(), "\t", 2)
		fmt.Printf("%q\n", answer(asked[0], asked[1]))
	}
}
