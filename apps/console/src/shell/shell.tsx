import { Link, Outlet, useRouter, useRouterState } from '@tanstack/react-router'
import {
  CircleUser,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  ServerCog,
  ShieldCheck,
  Waypoints,
} from 'lucide-react'
import { lazy, Suspense, useCallback, useEffect, useRef } from 'react'
import type { EventView, MeView } from '@fog/contract'
import { useFeedListener } from '../feed/feed.tsx'
import { formatTokens } from '../format/format.ts'
import { Mark } from '../parts/brand.tsx'
import { useSay } from '../parts/toasts.tsx'
import { Connection } from './connection.tsx'
import { useMe } from './me.ts'
import { PersonFace } from './person-face.tsx'

// Menus are a fifth of what the first page would load, and nobody opens one in its first second.
const PersonMenu = lazy(async () => import('./person-menu.tsx').then((loaded) => ({ default: loaded.PersonMenu })))

interface Place {
  readonly to: '/' | '/jobs' | '/nodes' | '/mixnet' | '/account' | '/admin'
  readonly text: string
  readonly icon: LucideIcon
}

const PLACES: readonly Place[] = [
  { to: '/', text: 'Overview', icon: LayoutDashboard },
  { to: '/jobs', text: 'Jobs', icon: ListChecks },
  { to: '/nodes', text: 'Nodes', icon: ServerCog },
  { to: '/mixnet', text: 'Mixnet', icon: Waypoints },
  { to: '/account', text: 'Account', icon: CircleUser },
]
const ADMIN: Place = { to: '/admin', text: 'Admin', icon: ShieldCheck }

/** What is around every page: where one can go, who one is, and whether the page is live. */
export function Shell() {
  const me = useMe()
  const places = me?.role === 'admin' ? [...PLACES, ADMIN] : PLACES
  useFocusOnNewPage()
  useJobToasts(me)
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[14.5rem_minmax(0,1fr)]">
      <a
        href="#page"
        className="sr-only z-60 rounded-lg bg-accent px-4 py-2 font-medium text-on-accent focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to the page
      </a>
      <TopBar me={me} />
      <aside
        className="sticky top-0 hidden h-dvh flex-col border-r border-line bg-surface/60 md:flex"
        aria-label="Console"
      >
        <div className="flex items-center gap-2.5 px-5 pt-6 pb-5">
          <Mark />
          <span className="text-lg font-semibold tracking-[-0.02em]">Fog</span>
        </div>
        <nav aria-label="Main" className="flex-1 px-3">
          <ul className="space-y-0.5">
            {places.map((place) => (
              <li key={place.to}>
                <SideLink place={place} />
              </li>
            ))}
          </ul>
        </nav>
        <div className="space-y-4 border-t border-line p-4">
          {me && <Balance me={me} />}
          <Connection />
          <Suspense fallback={<PersonFace me={me} />}>
            <PersonMenu me={me} />
          </Suspense>
        </div>
      </aside>
      <main id="page" tabIndex={-1} className="min-w-0 pb-20 md:pb-0">
        <Outlet />
      </main>
      <nav
        aria-label="Main"
        className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface/95 pb-[env(safe-area-inset-bottom)] backdrop-blur-sm md:hidden"
      >
        <ul className="flex">
          {places.map((place) => (
            <li key={place.to} className="flex-1">
              <BottomLink place={place} />
            </li>
          ))}
        </ul>
      </nav>
    </div>
  )
}

function TopBar({ me }: { me: MeView | undefined }) {
  return (
    <header className="sticky top-0 z-30 flex h-14 items-center gap-3 border-b border-line bg-surface/95 px-4 backdrop-blur-sm md:hidden">
      <Link to="/" aria-label="Fog, overview" className="flex items-center gap-2">
        <Mark size={26} />
        <span className="font-semibold tracking-[-0.02em]">Fog</span>
      </Link>
      <div className="ml-auto flex items-center gap-2">
        <Connection small />
        <Suspense fallback={<PersonFace me={me} small />}>
          <PersonMenu me={me} small />
        </Suspense>
      </div>
    </header>
  )
}

function SideLink({ place: { to, text, icon: Icon } }: { place: Place }) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      className="flex h-10 items-center gap-3 rounded-lg px-3 text-sm font-medium text-soft transition-colors hover:bg-sunken hover:text-ink data-[status=active]:bg-tint data-[status=active]:text-accent"
    >
      <Icon size={18} aria-hidden="true" />
      {text}
    </Link>
  )
}

function BottomLink({ place: { to, text, icon: Icon } }: { place: Place }) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      className="flex h-14 flex-col items-center justify-center gap-0.5 text-[0.6875rem] font-medium text-soft focus-visible:-outline-offset-2 data-[status=active]:text-accent"
    >
      <Icon size={20} aria-hidden="true" />
      {text}
    </Link>
  )
}

function Balance({ me }: { me: MeView }) {
  return (
    <Link to="/account" className="-m-1 block rounded-lg p-1 hover:bg-sunken">
      <span className="block text-xs text-faint">Balance</span>
      <span className="figures block font-semibold tracking-[-0.01em]">
        {formatTokens(me.available)} <span className="text-xs font-normal text-soft">tokens</span>
      </span>
      <span className="figures block text-xs text-faint">{formatTokens(me.onHold)} on hold</span>
    </Link>
  )
}

// A change of page moves the focus to its heading; a change of tab or filter on the same page does not.
function useFocusOnNewPage(): void {
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname })
  const last = useRef(path)
  useEffect(() => {
    if (last.current !== undefined && path !== last.current) focusHeading()
    last.current = path
  }, [path])
}

function focusHeading(): void {
  const heading = document.getElementById('page-heading') ?? document.getElementById('page')
  heading?.focus({ preventScroll: true })
}

const ENDINGS: Readonly<Record<string, { kind: 'good' | 'bad' | 'info'; says: string }>> = {
  'job.succeeded': { kind: 'good', says: 'is done' },
  'job.failed': { kind: 'bad', says: 'failed' },
  'job.cancelled': { kind: 'info', says: 'was cancelled' },
}

/** Says when one of your jobs ends, unless you are looking at it. */
function useJobToasts(me: MeView | undefined): void {
  const say = useSay()
  const router = useRouter()
  const accountId = me?.accountId
  useFeedListener(
    useCallback(
      (events: readonly EventView[]) => {
        for (const { type, jobId, accountId: owner, data } of events) {
          const ending = ENDINGS[type]
          if (!ending || !jobId || owner !== accountId) continue
          if (router.state.location.pathname === `/jobs/${jobId}`) continue
          say(ending.kind, `${String(data['name'] ?? 'A job')} ${ending.says}`, <JobLink jobId={jobId} />)
        }
      },
      [say, router, accountId],
    ),
  )
}

function JobLink({ jobId }: { jobId: string }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId }} className="font-medium text-accent underline underline-offset-2">
      Open the job
    </Link>
  )
}
