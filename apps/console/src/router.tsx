import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { Broken } from './shell/broken.tsx'
import { Gate } from './shell/gate.tsx'
import { Root } from './shell/root.tsx'
import { MissingPage } from './pages/missing/missing-page.tsx'
import { JOB_STATUSES, type JobStatus } from './pages/jobs/job-status.ts'

/** Where everything is. Each page is its own piece of code, fetched when first opened. */

const root = createRootRoute({ component: Root, notFoundComponent: MissingPage, errorComponent: Broken })

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(async () => import('./pages/setup/setup-page.tsx'), 'SetupPage'),
})

const logIn = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = search['next']
    // Only places of this console: a link must not send anybody elsewhere after they gave their password.
    return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {}
  },
  component: lazyRouteComponent(async () => import('./pages/log-in/log-in-page.tsx'), 'LogInPage'),
})

const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Gate })

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(async () => import('./pages/overview/overview-page.tsx'), 'OverviewPage'),
})

const jobs = createRoute({
  getParentRoute: () => inside,
  path: '/jobs',
  validateSearch: (search: Record<string, unknown>): { status?: JobStatus; all?: true } => {
    const status = JOB_STATUSES.find((known) => known === search['status'])
    return { ...(status && { status }), ...(search['all'] === true && { all: true as const }) }
  },
  component: lazyRouteComponent(async () => import('./pages/jobs/jobs-page.tsx'), 'JobsPage'),
})

const submit = createRoute({
  getParentRoute: () => inside,
  path: '/jobs/new',
  validateSearch: (search: Record<string, unknown>): { repeat?: true } =>
    search['repeat'] === true ? { repeat: true } : {},
  component: lazyRouteComponent(async () => import('./pages/submit/submit-page.tsx'), 'SubmitPage'),
})

const job = createRoute({
  getParentRoute: () => inside,
  path: '/jobs/$jobId',
  validateSearch: (search: Record<string, unknown>): { tab?: string; task?: string } => ({
    ...(typeof search['tab'] === 'string' && { tab: search['tab'] }),
    ...(typeof search['task'] === 'string' && { task: search['task'] }),
  }),
  component: lazyRouteComponent(async () => import('./pages/job/job-page.tsx'), 'JobPage'),
})

const schedules = createRoute({
  getParentRoute: () => inside,
  path: '/schedules',
  component: lazyRouteComponent(async () => import('./pages/schedules/schedules-page.tsx'), 'SchedulesPage'),
})

const schedule = createRoute({
  getParentRoute: () => inside,
  path: '/schedules/$scheduleId',
  component: lazyRouteComponent(async () => import('./pages/schedule/schedule-page.tsx'), 'SchedulePage'),
})

const nodes = createRoute({
  getParentRoute: () => inside,
  path: '/nodes',
  validateSearch: (search: Record<string, unknown>): { add?: true } => (search['add'] === true ? { add: true } : {}),
  component: lazyRouteComponent(async () => import('./pages/nodes/nodes-page.tsx'), 'NodesPage'),
})

const node = createRoute({
  getParentRoute: () => inside,
  path: '/nodes/$nodeId',
  component: lazyRouteComponent(async () => import('./pages/node/node-page.tsx'), 'NodePage'),
})

const plan = createRoute({
  getParentRoute: () => inside,
  path: '/plan',
  component: lazyRouteComponent(async () => import('./pages/plan/plan-page.tsx'), 'PlanPage'),
})

const mixnet = createRoute({
  getParentRoute: () => inside,
  path: '/mixnet',
  validateSearch: (search: Record<string, unknown>): { tab?: string; node?: string } => ({
    ...tabSearch(search),
    ...(typeof search['node'] === 'string' && { node: search['node'] }),
  }),
  component: lazyRouteComponent(async () => import('./pages/mixnet/mixnet-page.tsx'), 'MixnetPage'),
})

const account = createRoute({
  getParentRoute: () => inside,
  path: '/account',
  validateSearch: tabSearch,
  component: lazyRouteComponent(async () => import('./pages/account/account-page.tsx'), 'AccountPage'),
})

const admin = createRoute({
  getParentRoute: () => inside,
  path: '/admin',
  validateSearch: tabSearch,
  component: lazyRouteComponent(async () => import('./pages/admin/admin-page.tsx'), 'AdminPage'),
})

function tabSearch(search: Record<string, unknown>): { tab?: string } {
  return typeof search['tab'] === 'string' ? { tab: search['tab'] } : {}
}

export const router = createRouter({
  routeTree: root.addChildren([
    setup,
    logIn,
    inside.addChildren([overview, jobs, submit, job, schedules, schedule, nodes, node, mixnet, plan, account, admin]),
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  // What no page knows of in an address is dropped rather than handed to it unchecked.
  search: { strict: true },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
