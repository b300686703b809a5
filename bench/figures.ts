/**
 * Samples, and what is told of them.
 * @module
 */

/** Samples of one operation by one contender. */
export class Samples {
  readonly values: number[] = [];

  add(value: number): void {
    this.values.push(value);
  }

  /** The sample in the middle; NaN when there is none. */
  get median(): number {
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  }

  get least(): number {
    return Math.min(...this.values);
  }
}

/** Named samples, made when first asked for. */
export class Table {
  readonly rows = new Map<string, Map<string, Samples>>();

  /** The samples in that row and column. */
  at(row: string, column: string): Samples {
    const columns = this.rows.get(row) ?? new Map<string, Samples>();
    this.rows.set(row, columns);
    const samples = columns.get(column) ?? new Samples();
    columns.set(column, samples);
    return samples;
  }
}

/** Three digits that matter: 0.123, 12.3, 123. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value >= 100) return value.toFixed(0);
  return value.toPrecision(value < 1 ? 2 : 3);
}

/** `median (least)`, in the samples' unit. */
export function cell(samples: Samples): string {
  return samples.values.length === 0 ? "-" : `${digits(samples.median)} (${digits(samples.least)})`;
}
