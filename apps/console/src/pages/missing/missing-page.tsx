import { Link } from '@tanstack/react-router'
import { Banks } from '../../parts/brand.tsx'
import { buttonClass } from '../../parts/button.tsx'

/** For an address that leads nowhere. */
export function MissingPage() {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-6 text-center">
      <Banks />
      <h1 className="text-2xl font-semibold tracking-[-0.02em]">There is no such page</h1>
      <p className="mt-2 max-w-md text-soft">The address may be mistyped, or what it named is gone.</p>
      <Link to="/" className={`${buttonClass('primary')} mt-6`}>
        Go to the overview
      </Link>
    </main>
  )
}
