import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PATHS } from '@fog/contract'
import type { Log } from '../platform.ts'
import { HttpError } from './errors.ts'

const NOT_BUILT = `The control plane of this fog is running, without its console.

Build the console with   npm run console:build
and start again, or set  FOG_CONSOLE_DIR  to the folder of a built one.

The API is described at  ${PATHS.openapi}
`

const YEAR_SECONDS = 31_536_000

/**
 * Serves the built console: hashed files for ever, the page itself checked each time, and the page for every address that
 * is the console's own. Without a build, `/` says how to make one.
 */
export function registerConsole(app: FastifyInstance, consoleDir: string | undefined, log: Log): void {
  const isBuilt = consoleDir !== undefined && existsSync(join(consoleDir, 'index.html'))
  if (consoleDir !== undefined && !isBuilt) log.warn({ consoleDir }, 'the console folder holds no built console')
  if (isBuilt) {
    void app.register(fastifyStatic, {
      root: consoleDir,
      dotfiles: 'deny',
      cacheControl: false,
      // Directories answer with their page, never with a list.
      index: 'index.html',
      setHeaders: (reply, path) => void reply.header('cache-control', cacheFor(path)),
    })
  } else {
    app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(NOT_BUILT))
  }
  app.setNotFoundHandler(async (request, reply) => {
    if (isBuilt && isPage(request)) return sendPage(reply)
    throw new HttpError({ code: 'http.not_found', what: 'page or route at this address' })
  })
}

/** An address of the console: asked for by a browser as a page, and not one of the server's own. */
function isPage(request: FastifyRequest): boolean {
  const [path = '/'] = request.url.split('?')
  const isOurs = path.startsWith('/v1/') || path === '/v1' || Object.values(PATHS).some((own) => own === path)
  const hasExtension = /\.[a-z0-9]+$/i.test(path)
  return request.method === 'GET' && !isOurs && !hasExtension && (request.headers.accept ?? '').includes('text/html')
}

function sendPage(reply: FastifyReply): FastifyReply {
  return reply.code(200).sendFile('index.html')
}

function cacheFor(path: string): string {
  const isHashed = /[/\\]assets[/\\]/.test(path)
  return isHashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache'
}
