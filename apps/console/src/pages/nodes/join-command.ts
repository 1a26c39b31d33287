/** What is typed on a device so that it joins this fog. */
export function joinCommand(origin: string, secret: string): string {
  return `fog worker join --url ${origin} --token ${secret}`
}

/** A whole number within bounds, or undefined. */
export function whole(text: string, min: number, max: number): number | undefined {
  if (!/^\d{1,9}$/.test(text.trim())) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}
