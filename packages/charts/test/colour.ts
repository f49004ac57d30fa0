// Contrast as in WCAG 2.2; colour blindness as in Machado, Oliveira and Fernandes (2009), severity 1; CIE 1976 ΔE.

type Triple = readonly [number, number, number]
type Matrix = readonly [Triple, Triple, Triple]

const VISION: Record<'normal' | 'protan' | 'deutan' | 'tritan', Matrix> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}
const TO_XYZ: Matrix = [
  [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
  [0.2126, 0.7152, 0.0722],
  [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
]

const apply = (matrix: Matrix, [x, y, z]: Triple) =>
  matrix.map(([a, b, c]) => a * x + b * y + c * z) as unknown as Triple

function linear(colour: string): Triple {
  const channel = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

/** From 1 to 21. */
export function contrast(a: string, b: string): number {
  const [darker, lighter] = [a, b].map((colour) => apply(TO_XYZ, linear(colour))[1]).sort((x, y) => x - y) as [
    number,
    number,
  ]
  return (lighter + 0.05) / (darker + 0.05)
}

/** How different two colours look, in units of which 2.3 is just noticeable. */
export function differenceSeenBy(vision: keyof typeof VISION, a: string, b: string): number {
  const lab = (colour: string) => {
    const seen = apply(VISION[vision], linear(colour)).map((value) =>
      Math.min(1, Math.max(0, value)),
    ) as unknown as Triple
    const [x, y, z] = apply(TO_XYZ, seen).map((t) =>
      t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116,
    ) as unknown as Triple
    return [116 * y, 500 * (x - y), 200 * (y - z)]
  }
  const [first, second] = [lab(a), lab(b)]
  return Math.hypot(...first.map((value, i) => value - second[i]!))
}
