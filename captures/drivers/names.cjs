// Node's own answer: on each line of standard input a certificate in base64, a tab and a host; out comes "", or its error.
'use strict'
const { X509Certificate } = require('crypto')
const readline = require('readline')
const tls = require('tls')

function answer (certificate, host) {
  try {
    const leaf = new X509Certificate(Buffer.from(certificate, 'base64')).toLegacyObject()
    const error = tls.checkServerIdentity(host, leaf)
    return error ? error.message : ''
  } catch (error) {
    return `error: ${error.message}`
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [certificate, host] = line.split('\t')
  console.log(JSON.stringify(answer(certificate, host)))
})
