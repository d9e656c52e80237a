// pgx v4, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.
// Out comes accept, plaintext or refuse, and what was printed. Names lead to 127.0.0.1.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v4"
)

func here(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }

func connect(host, port, sslmode, roots string) (string, error) {
	words := fmt.Sprintf("host=%s port=%s user=app password=not-a-secret dbname=postgres", host, port)
	if sslmode != "" {
		words += " sslmode=" + sslmode
	}
	if roots != "" {
		words += " sslrootcert=" + roots
	}
	config, err := pgx.ParseConfig(words)
	if err != nil {
		return "refuse", err
	}
	config.LookupFunc = here
	connection, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		return "refuse", err
	}
	defer connection.Close(context.Background())
	var inside bool
	err = connection.QueryRow(context.Background(), "select ssl from pg_stat_ssl where pid = pg_backend_pid()").Scan(&inside)
	if err != nil {
		return "refuse", err
	}
	return map[bool]string{true: "accept", false: "plaintext"}[inside], nil
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		asked := strings.Split(lines.Text(), "\t")
		outcome, err := connect(asked[0], asked[1], asked[2], asked[3])
		text := ""
		if err != nil {
			text = strings.ReplaceAll(err.Error(), "\n", "\\n")
		}
		fmt.Printf("%s\t%s\n", outcome, text)
	}
}
