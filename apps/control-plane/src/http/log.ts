import { pino, type Logger, type LoggerOptions } from 'pino'
import type { Config } from '../config.ts'

/** Structured logs on standard output. What could hold a secret is cut out even where somebody logs it by mistake. */
export function makeLog({ logLevel }: Pick<Config, 'logLevel'>, destination?: { write(line: string): void }): Logger {
  const options: LoggerOptions = {
    level: logLevel,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[cut out]',
    },
  }
  return destination ? pino(options, destination) : pino(options)
}

const SECRETS = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  'password',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'joinToken',
  'passwordHash',
]
