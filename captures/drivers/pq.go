// lib/pq, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.
// Out comes accept, plaintext or refuse, and what was printed. Names lead to 127.0.0.1.
package main

import (
	"bufio"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/lib/pq"
)

type here struct{}

func (here) Dial(network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return net.Dial("tcp", "127.0.0.1:"+port)
}

func (h here) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return h.Dial(network, address)
}

func (h here) Open(words string) (driver.Conn, error) { return pq.DialOpen(h, words) }

func connect(host, port, sslmode, roots string) (string, error) {
	words := fmt.Sprintf("host=%s port=%s user=app password=not-a-secret dbname=postgres", host, port)
	if sslmode != "" {
		words += " sslmode=" + sslmode
	}
	if roots != "" {
		words += " sslrootcert=" + roots
	}
	database, err := sql.Open("pq to 127.0.0.1", words)
	if err != nil {
		return "refuse", err
	}
	defer database.Close()
	var inside bool
	err = database.QueryRow("select ssl from pg_stat_ssl where pid = pg_backend_pid()").Scan(&inside)
	if err != nil {
		return "refuse", err
	}
	return map[bool]string{true: "accept", false: "plaintext"}[inside], nil
}

func main() {
	sql.Register("pq to 127.0.0.1", here{})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		asked := strings.Split(lines.Text(), "\t")
		outcome, err := connect(asked[0], asked[1], asked[2], asked[3])
		text := ""
		if err != nil {
			text = strings.ReplaceAll(err.Error(), "\n", "\\n")
		}
		runtime.GC() // lib/pq leaves the socket of a server that it refuses open
		fmt.Printf("%s\t%s\n", outcome, text)
	}
}
