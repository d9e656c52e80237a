// node-postgres, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.
// Out comes accept, plaintext or refuse, and what was printed. Names lead to 127.0.0.1. Arguments go into every URI.
'use strict'
const dns = require('dns')
const readline = require('readline')
const { Client } = require('pg')

dns.lookup = (name, options, done) => {
  const answer = typeof options === 'function' ? options : done
  return options.all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4)
}

async function connect (host, port, sslmode, roots) {
  const told = [sslmode && `sslmode=${sslmode}`, roots && `sslrootcert=${encodeURIComponent(roots)}`]
  const options = [...told, ...process.argv.slice(2)].filter(Boolean)
  let client
  try {
    client = new Client(`postgresql://app:not-a-secret@${host}:${port}/postgres?${options.join('&')}`)
    client.on('error', () => {})
    await client.connect()
    const answer = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return [answer.rows[0].ssl ? 'accept' : 'plaintext', '']
  } catch (error) {
    return ['refuse', error.message]
  } finally {
    if (client) await client.end().catch(() => {})
  }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [outcome, text] = await connect(...line.split('\t'))
    process.stdout.write(`${outcome}\t${text.replace(/\n/g, '\\n')}\n`)
  }
}

main()
