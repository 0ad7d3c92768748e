/** Multinomial logistic regression on soft targets, by accelerated gradient descent. */

/** A training set: rows of features, and for each row the probability of every class. */
export interface TrainingSet {
  readonly features: Float32Array;
  readonly featureCount: number;
  readonly targets: readonly (readonly number[])[];
}

/** A fitted model: per class, one weight a feature and a bias. */
export interface Fit {
  readonly weights: Float64Array[];
  readonly bias: Float64Array;
}

/** How to fit. */
export interface FitOptions {
  readonly classCount: number;
  /** The penalty on half the squared weights, beside the mean log loss of a row. */
  readonly penalty: number;
  readonly steps: number;
}

const emptyFit = (classCount: number, featureCount: number): Fit => ({
  weights: Array.from({ length: classCount }, () => new Float64Array(featureCount)),
  bias: new Float64Array(classCount),
});

function sharesOf(
  fit: Fit,
  features: Float32Array,
  row: { start: number; out: Float64Array },
): void {
  const { start, out } = row;
  let largest = -Infinity;
  for (const [at, weights] of fit.weights.entries()) {
    let sum = fit.bias[at] ?? 0;
    for (let k = 0; k < weights.length; k += 1)
      sum += (weights[k] ?? 0) * (features[start + k] ?? 0);
    out[at] = sum;
    largest = Math.max(largest, sum);
  }
  let total = 0;
  for (const [at, value] of out.entries()) {
    out[at] = Math.exp(value - largest);
    total += out[at] ?? 0;
  }
  for (const [at, value] of out.entries()) out[at] = value / total;
}

/** The gradient of the mean loss at `fit`. A row's weight is the sum of its targets. */
function gradientAt(fit: Fit, set: TrainingSet, penalty: number): Fit {
  const { features, featureCount, targets } = set;
  const gradient = emptyFit(fit.weights.length, featureCount);
  const shares = new Float64Array(fit.weights.length);
  for (const [row, target] of targets.entries()) {
    const start = row * featureCount;
    sharesOf(fit, features, { start, out: shares });
    const mass = target.reduce((sum, value) => sum + value, 0);
    for (const [at, weights] of gradient.weights.entries()) {
      const error = (mass * (shares[at] ?? 0) - (target[at] ?? 0)) / targets.length;
      gradient.bias[at] = (gradient.bias[at] ?? 0) + error;
      for (let k = 0; k < featureCount; k += 1) {
        weights[k] = (weights[k] ?? 0) + error * (features[start + k] ?? 0);
      }
    }
  }
  for (const [at, weights] of gradient.weights.entries()) {
    const own = fit.weights[at];
    for (let k = 0; k < featureCount; k += 1) {
      weights[k] = (weights[k] ?? 0) + penalty * (own?.[k] ?? 0);
    }
  }
  return gradient;
}

/** A step size that cannot overshoot: the loss curves by at most half the mean squared row length. */
function safeStep({ features, featureCount, targets }: TrainingSet, penalty: number): number {
  let squares = 0;
  for (const [row, target] of targets.entries()) {
    const own = features.subarray(row * featureCount, (row + 1) * featureCount);
    const mass = target.reduce((sum, value) => sum + value, 0);
    squares += mass * own.reduce((sum, value) => sum + value * value, 1);
  }
  return 1 / ((0.5 * squares) / targets.length + penalty);
}

const combine = (a: Float64Array, b: Float64Array, factor: number): Float64Array =>
  a.map((value, at) => value + factor * (b[at] ?? 0));

const move = (from: Fit, direction: Fit, factor: number): Fit => ({
  weights: from.weights.map((row, at) =>
    combine(row, direction.weights[at] ?? new Float64Array(row.length), factor),
  ),
  bias: combine(from.bias, direction.bias, factor),
});

const difference = (a: Fit, b: Fit): Fit => move(a, b, -1);

/** The weights that minimise penalised log loss; the same set always gives the same bits. */
export function fitSoftmax(set: TrainingSet, options: FitOptions): Fit {
  const { classCount, penalty, steps } = options;
  const step = safeStep(set, penalty);
  let fit = emptyFit(classCount, set.featureCount);
  let ahead = fit;
  for (let at = 0; at < steps; at += 1) {
    const next = move(ahead, gradientAt(ahead, set, penalty), -step);
    ahead = move(next, difference(next, fit), at / (at + 3));
    fit = next;
  }
  return fit;
}
