import { Type } from 'typebox'
import { JobSubmission } from './job-document.ts'
import { FrontsView } from './front-views.ts'
import { mixnetRoutes } from './mixnet-routes.ts'
import { route } from './route.ts'
import { scheduleRoutes } from './schedule-routes.ts'
import { Digest, id, Labels, Name, page, PageQuery, Scope, strict, Tokens } from './schemas.ts'
import { TaskDetailView, TaskResultView, TaskStatus, TaskView } from './task-views.ts'
import {
  AuditEntryView,
  JobStatus,
  JobView,
  JoinTokenView,
  LedgerAuditView,
  LogChunkView,
  MeView,
  NodeView,
  OverviewView,
  QuoteView,
  ReceiptView,
  SessionTokens,
  SessionView,
  TiersView,
  TokenView,
  TransferView,
  UserView,
  WhyView,
} from './views.ts'

const UserName = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{1,38}$', description: 'Lower-case name to log in with' })
const Password = Type.String({ minLength: 10, maxLength: 200 })
const Keep = Type.Union([Type.Literal('cookie'), Type.Literal('body')], {
  description: 'Where the refresh token goes: an HttpOnly cookie for browsers, the body for programs',
})
const job = strict({ jobId: id('job') })
const task = strict({ taskId: id('task') })
const node = strict({ nodeId: id('node') })

/** Every route of the control plane. The key is the operation's name in the client and in OpenAPI. */
export const routes = {
  // People, log-ins and keys
  setup: route({
    method: 'POST',
    path: '/v1/setup',
    summary: 'Make the first admin, with the code printed at the first start',
    access: 'open',
    perMinute: 10,
    body: strict({ code: Type.String({ maxLength: 100 }), name: UserName, password: Password, keep: Keep }),
    response: SessionTokens,
    status: 201,
  }),
  getSetup: route({
    method: 'GET',
    path: '/v1/setup',
    summary: 'Whether the first admin is still to be made',
    access: 'open',
    response: strict({ needed: Type.Boolean() }),
  }),
  logIn: route({
    method: 'POST',
    path: '/v1/sessions',
    summary: 'Log in with name and password',
    access: 'open',
    perMinute: 20,
    body: strict({ name: Type.String({ maxLength: 100 }), password: Type.String({ maxLength: 200 }), keep: Keep }),
    response: SessionTokens,
    status: 201,
  }),
  refresh: route({
    method: 'POST',
    path: '/v1/sessions/refresh',
    summary: 'Trade a refresh token for a new pair; a token used twice ends the log-in',
    access: 'open',
    perMinute: 60,
    body: strict({ refreshToken: Type.Optional(Type.String({ maxLength: 200 })) }),
    response: SessionTokens,
  }),
  logOut: route({
    method: 'DELETE',
    path: '/v1/sessions/current',
    summary: 'End this log-in',
    access: 'session',
    status: 204,
  }),
  listSessions: route({
    method: 'GET',
    path: '/v1/sessions',
    summary: 'Your log-ins',
    access: 'session',
    response: page(SessionView),
  }),
  endSession: route({
    method: 'DELETE',
    path: '/v1/sessions/:sessionId',
    summary: 'End one of your log-ins',
    access: 'session',
    params: strict({ sessionId: id('session') }),
    status: 204,
  }),
  getMe: route({ method: 'GET', path: '/v1/me', summary: 'Who you are', access: 'jobs:read', response: MeView }),
  changePassword: route({
    method: 'PUT',
    path: '/v1/me/password',
    summary: 'Change your password and end your other log-ins',
    access: 'session',
    perMinute: 10,
    body: strict({ current: Type.String({ maxLength: 200 }), next: Password }),
    status: 204,
  }),
  listUsers: route({
    method: 'GET',
    path: '/v1/users',
    summary: 'Users of this fog',
    access: 'admin',
    query: strict(PageQuery),
    response: page(UserView),
  }),
  addUser: route({
    method: 'POST',
    path: '/v1/users',
    summary: 'Add a user, with a first grant of tokens',
    access: 'admin',
    body: strict({
      name: UserName,
      password: Password,
      role: Type.Optional(Type.Union([Type.Literal('admin'), Type.Literal('member')])),
      grant: Type.Optional(Tokens),
    }),
    response: UserView,
    status: 201,
  }),
  changeUser: route({
    method: 'PATCH',
    path: '/v1/users/:userId',
    summary: 'Disable, enable or unlock a user, or set a new password',
    access: 'admin',
    params: strict({ userId: id('user') }),
    body: strict({
      status: Type.Optional(Type.Union([Type.Literal('active'), Type.Literal('disabled')])),
      unlock: Type.Optional(Type.Literal(true)),
      password: Type.Optional(Password),
      role: Type.Optional(Type.Union([Type.Literal('admin'), Type.Literal('member')])),
    }),
    response: UserView,
  }),
  listTokens: route({
    method: 'GET',
    path: '/v1/tokens',
    summary: 'Your API tokens',
    access: 'account:write',
    response: page(TokenView),
  }),
  addToken: route({
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Make an API token; its text is shown this once',
    access: 'account:write',
    body: strict({
      name: Name,
      scopes: Type.Array(Scope, { minItems: 1, uniqueItems: true }),
      days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
    }),
    response: strict({ token: TokenView, secret: Type.String() }),
    status: 201,
  }),
  revokeToken: route({
    method: 'DELETE',
    path: '/v1/tokens/:tokenId',
    summary: 'Revoke an API token',
    access: 'account:write',
    params: strict({ tokenId: id('token') }),
    status: 204,
  }),
  listJoinTokens: route({
    method: 'GET',
    path: '/v1/join-tokens',
    summary: 'Your join tokens',
    access: 'nodes:write',
    response: page(JoinTokenView),
  }),
  addJoinToken: route({
    method: 'POST',
    path: '/v1/join-tokens',
    summary: 'Make a join token that lets devices enrol; its text is shown this once',
    access: 'nodes:write',
    body: strict({
      name: Name,
      uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1 })),
      hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 8_760, default: 24 })),
    }),
    response: strict({ joinToken: JoinTokenView, secret: Type.String() }),
    status: 201,
  }),
  revokeJoinToken: route({
    method: 'DELETE',
    path: '/v1/join-tokens/:joinTokenId',
    summary: 'Revoke a join token',
    access: 'nodes:write',
    params: strict({ joinTokenId: id('joinToken') }),
    status: 204,
  }),
  listAudit: route({
    method: 'GET',
    path: '/v1/audit',
    summary: 'The audit log, newest first',
    access: 'admin',
    query: strict(PageQuery),
    response: page(AuditEntryView),
  }),

  // Nodes
  enrolNode: route({
    method: 'POST',
    path: '/v1/nodes',
    summary: 'Enrol a device with a join token',
    access: 'open',
    perMinute: 60,
    body: strict({
      joinToken: Type.String({ maxLength: 100 }),
      name: Name,
      publicKey: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Ed25519, hex' }),
      signature: Type.String({ pattern: '^[0-9a-f]{128}$', description: 'Over the enrolment message, hex' }),
      labels: Type.Optional(Labels),
    }),
    response: strict({ nodeId: id('node') }),
    status: 201,
  }),
  listNodes: route({
    method: 'GET',
    path: '/v1/nodes',
    summary: 'Nodes of this fog',
    access: 'nodes:read',
    query: strict({ ...PageQuery, mine: Type.Optional(Type.Boolean()), retired: Type.Optional(Type.Boolean()) }),
    response: page(NodeView),
  }),
  getNode: route({
    method: 'GET',
    path: '/v1/nodes/:nodeId',
    summary: 'One node',
    access: 'nodes:read',
    params: node,
    response: NodeView,
  }),
  setNodeDuty: route({
    method: 'PUT',
    path: '/v1/nodes/:nodeId/duty',
    summary: 'Drain, resume, quarantine or retire a node',
    access: 'nodes:write',
    params: node,
    body: strict({
      duty: Type.Union([
        Type.Literal('active'),
        Type.Literal('draining'),
        Type.Literal('quarantined'),
        Type.Literal('retired'),
      ]),
    }),
    response: NodeView,
  }),
  getNodeBlob: route({
    method: 'GET',
    path: '/v1/attempts/:attemptId/blobs/:digest',
    summary: 'An input of an attempt the calling node holds',
    access: 'node',
    perMinute: 100_000,
    params: strict({ attemptId: id('attempt'), digest: Digest }),
    raw: 'response',
  }),
  putNodeBlob: route({
    method: 'PUT',
    path: '/v1/attempts/:attemptId/blobs/:digest',
    summary: 'An output of an attempt the calling node holds, or a file of its next checkpoint',
    access: 'node',
    perMinute: 100_000,
    params: strict({ attemptId: id('attempt'), digest: Digest }),
    query: strict({ use: Type.Optional(Type.Union([Type.Literal('output'), Type.Literal('state')])) }),
    raw: 'request',
    status: 204,
  }),

  // Content
  findMissingBlobs: route({
    method: 'POST',
    path: '/v1/blobs/missing',
    summary: 'Of these hashes, the ones you must upload before a job can name them',
    access: 'jobs:write',
    body: strict({ digests: Type.Array(Digest, { maxItems: 10_000 }) }),
    response: strict({ missing: Type.Array(Digest) }),
  }),
  putBlob: route({
    method: 'PUT',
    path: '/v1/blobs/:digest',
    summary: 'Upload content; refused when it does not have this hash',
    access: 'jobs:write',
    perMinute: 100_000,
    params: strict({ digest: Digest }),
    raw: 'request',
    status: 204,
  }),
  getBlob: route({
    method: 'GET',
    path: '/v1/blobs/:digest',
    summary: 'Content you uploaded or that your jobs made',
    access: 'jobs:read',
    perMinute: 100_000,
    params: strict({ digest: Digest }),
    query: strict({ name: Type.Optional(Type.String({ maxLength: 255, description: 'File name to save it under' })) }),
    raw: 'response',
  }),

  // Jobs
  quote: route({
    method: 'POST',
    path: '/v1/quotes',
    summary: 'What a job would cost at most, and whether it would be taken',
    access: 'jobs:read',
    body: JobSubmission,
    response: QuoteView,
  }),
  submitJob: route({
    method: 'POST',
    path: '/v1/jobs',
    summary: 'Submit a job; its price is put on hold',
    access: 'jobs:write',
    body: JobSubmission,
    response: JobView,
    status: 201,
  }),
  listJobs: route({
    method: 'GET',
    path: '/v1/jobs',
    summary: 'Your jobs, newest first',
    access: 'jobs:read',
    query: strict({ ...PageQuery, status: Type.Optional(JobStatus), all: Type.Optional(Type.Boolean()) }),
    response: strict({
      ...page(JobView).properties,
      withheld: Type.Optional(
        Type.Boolean({ description: 'There are secret jobs, which are shown only to who asks through the mixnet' }),
      ),
    }),
  }),
  getJob: route({
    method: 'GET',
    path: '/v1/jobs/:jobId',
    summary: 'One job',
    access: 'jobs:read',
    params: job,
    response: JobView,
  }),
  cancelJob: route({
    method: 'POST',
    path: '/v1/jobs/:jobId/cancel',
    summary: 'Cancel a job; what is done is paid, the rest comes back',
    access: 'jobs:write',
    params: job,
    response: JobView,
    status: 202,
  }),
  listTasks: route({
    method: 'GET',
    path: '/v1/jobs/:jobId/tasks',
    summary: 'Tasks of a job, in order',
    access: 'jobs:read',
    params: job,
    query: strict({ ...PageQuery, status: Type.Optional(TaskStatus) }),
    response: page(TaskView),
  }),
  getTask: route({
    method: 'GET',
    path: '/v1/tasks/:taskId',
    summary: 'One task with its attempts and its result',
    access: 'jobs:read',
    params: task,
    response: TaskDetailView,
  }),
  getTaskLogs: route({
    method: 'GET',
    path: '/v1/tasks/:taskId/logs',
    summary: 'What a task has printed so far',
    access: 'jobs:read',
    params: task,
    query: strict(PageQuery),
    response: page(LogChunkView),
  }),
  listResults: route({
    method: 'GET',
    path: '/v1/jobs/:jobId/results',
    summary: 'Accepted results of a job, in order of tasks',
    access: 'jobs:read',
    params: job,
    query: strict(PageQuery),
    response: page(TaskResultView),
  }),
  getReceipt: route({
    method: 'GET',
    path: '/v1/jobs/:jobId/receipt',
    summary: 'Who ran the job, how long, what it used and what it cost',
    access: 'jobs:read',
    params: job,
    response: ReceiptView,
  }),
  explainJob: route({
    method: 'GET',
    path: '/v1/jobs/:jobId/why',
    summary: 'Why tasks of a job wait, most telling reason first',
    access: 'jobs:read',
    params: job,
    response: WhyView,
  }),

  ...scheduleRoutes,
  ...mixnetRoutes,

  // Money
  listTransfers: route({
    method: 'GET',
    path: '/v1/ledger/transfers',
    summary: 'Transfers of your account, newest first',
    access: 'ledger:read',
    query: strict(PageQuery),
    response: page(TransferView),
  }),
  grant: route({
    method: 'POST',
    path: '/v1/ledger/grants',
    summary: 'Mint tokens into an account',
    access: 'admin',
    body: strict({
      accountId: id('account'),
      amount: Tokens,
      reference: Type.Optional(Type.String({ maxLength: 200 })),
      transferId: Type.Optional(id('transfer')),
    }),
    response: TransferView,
    status: 201,
  }),
  auditLedger: route({
    method: 'GET',
    path: '/v1/ledger/audit',
    summary: 'Recompute the books from their postings and say whether they are sound',
    access: 'ledger:read',
    perMinute: 30,
    response: LedgerAuditView,
  }),

  getOverview: route({
    method: 'GET',
    path: '/v1/overview',
    summary: 'The fog at a glance',
    access: 'jobs:read',
    response: OverviewView,
  }),
  listTiers: route({
    method: 'GET',
    path: '/v1/tiers',
    summary: 'What each tier promises, and how it was kept lately',
    access: 'jobs:read',
    perMinute: 120,
    response: TiersView,
  }),
  listFronts: route({
    method: 'GET',
    path: '/v1/fronts',
    summary: 'What re-planning found lately, newest first: the fronts, and which plan was chosen and why',
    access: 'jobs:read',
    query: strict({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })) }),
    response: FrontsView,
  }),
} as const

export type RouteName = keyof typeof routes

/** Paths that are not request and answer, or not JSON; described here so that every part spells them alike. */
export const PATHS = {
  /** Server-sent events; `?after=cursor&jobId=`; bearer token in the header. */
  events: '/v1/events',
  /** The same over WebSocket; the first message is `{ "type": "auth", "token": … }`. */
  eventsSocket: '/v1/events/socket',
  /** The workers' channel. */
  workerSocket: '/v1/worker',
  openapi: '/openapi.json',
  health: '/healthz',
  ready: '/readyz',
  metrics: '/metrics',
} as const

/** The refresh token's cookie, sent only to the refresh and log-out routes. */
export const REFRESH_COOKIE = 'fog_refresh'
