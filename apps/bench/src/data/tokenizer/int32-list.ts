/** A list of integers that grows: an array of numbers would be too long for a large text. */
export function int32List() {
  let values = new Int32Array(1024)
  let count = 0
  return {
    push(value: number): void {
      if (count === values.length) {
        const longer = new Int32Array(2 * count)
        longer.set(values)
        values = longer
      }
      values[count++] = value
    },
    take: (): Int32Array => values.slice(0, count),
  }
}
