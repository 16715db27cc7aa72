// A certificate authority for tests, made by openssl: a server certificate for 127.0.0.1 and a client certificate.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

/** Paths of PEM files. */
export interface Certificates {
  readonly caFile: string
  readonly serverCertFile: string
  readonly serverKeyFile: string
  readonly certFile: string
  readonly keyFile: string
}

/** Makes a new authority in `directory` and lets it sign both certificates, valid for a day. `hosts` are the server's. */
export async function makeCertificates(
  directory: string,
  hosts: readonly string[] = ['127.0.0.1'],
): Promise<Certificates> {
  const at = (name: string) => join(directory, name)
  await openssl(
    'req',
    '-x509',
    ...newKey(at('ca.key')),
    '-subj',
    '/CN=test-ca',
    '-days',
    '1',
    '-out',
    at('ca.crt'),
  )
  const names = [...hosts.map((host) => `IP:${host}`), 'DNS:localhost'].join()
  await sign(at, 'server', `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth`)
  await sign(at, 'client', 'extendedKeyUsage=clientAuth')
  return {
    caFile: at('ca.crt'),
    serverCertFile: at('server.crt'),
    serverKeyFile: at('server.key'),
    certFile: at('client.crt'),
    keyFile: at('client.key'),
  }
}

async function sign(at: (name: string) => string, name: string, extensions: string): Promise<void> {
  await writeFile(at(`${name}.ext`), extensions)
  await openssl('req', ...newKey(at(`${name}.key`)), '-subj', `/CN=${name}`, '-out', at(`${name}.csr`))
  await openssl(
    ...['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.crt'), '-CAkey', at('ca.key')],
    ...['-CAcreateserial', '-days', '1', '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`)],
  )
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path]
}

function openssl(...args: string[]) {
  return execa('openssl', args)
}
