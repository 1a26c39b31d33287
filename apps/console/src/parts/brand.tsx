/** The mark: a light above three banks of fog. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" className="shrink-0">
      <rect width="32" height="32" rx="8" fill="#0f5266" />
      <circle cx="21" cy="10.5" r="3.5" fill="#f3c969" />
      <path
        d="M6.5 15.5h12M10.5 20h15M6.5 24.5h9.5"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        fill="none"
      />
    </svg>
  )
}

/** Slow banks of fog behind a page; still where motion is unwelcome. */
export function Banks() {
  return (
    <div aria-hidden="true" className="pointer-events-none fixed inset-0 -z-10 overflow-hidden">
      <div className="animate-drift absolute -inset-[12%] bg-[radial-gradient(42%_32%_at_24%_30%,var(--tint),transparent_70%),radial-gradient(38%_26%_at_78%_62%,var(--tint),transparent_70%),radial-gradient(30%_18%_at_55%_92%,var(--sunken),transparent_72%)]" />
    </div>
  )
}
