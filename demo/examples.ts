import { gaussian, type Random } from './random.ts';

export interface Field {
  readonly name: string;
}

export interface Example {
  readonly input: readonly number[];
  /** Index into the labels. */
  readonly label: number;
}

/** Made-up payments: what an analyst would do with each follows from a rule with some noise, so that there is something to learn. */
export const paymentsFor = {
  about: 'what to do with a payment: let it clear, check it, or stop it',
  fields: [{ name: 'amount' }, { name: 'hour' }, { name: 'account_age_days' }, { name: 'payments_today' }],
  labels: ['clear', 'check', 'stop'],
  examples: (random: Random, count: number): Example[] => Array.from({ length: count }, () => payment(random)),
};

function payment(random: Random): Example {
  const amount = Math.exp(4 + 1.5 * gaussian(random));
  const hour = Math.floor(24 * random());
  const accountAgeDays = Math.floor(2000 * random() ** 2);
  const paymentsToday = Math.floor(12 * random() ** 3);
  const atNight = hour < 6 ? 1 : 0;
  const strange = Math.log10(amount) + atNight + 0.15 * paymentsToday - accountAgeDays / 1000 + 0.15 * gaussian(random);
  const label = strange < 1.8 ? 0 : strange < 2.8 ? 1 : 2;
  return { input: [Math.round(amount), hour, accountAgeDays, paymentsToday], label };
}

/** Made-up accounts: whether a loan is paid back. */
export const accountsFor = {
  about: 'whether a loan is paid back',
  fields: [{ name: 'income' }, { name: 'debt' }, { name: 'years_employed' }, { name: 'late_payments' }],
  labels: ['repaid', 'default'],
  examples: (random: Random, count: number): Example[] => Array.from({ length: count }, () => account(random)),
};

function account(random: Random): Example {
  const income = Math.round(20_000 + 90_000 * random());
  const debt = Math.round(income * 1.2 * random());
  const yearsEmployed = Math.floor(20 * random() ** 2);
  const latePayments = Math.floor(8 * random() ** 3);
  const risk = 2 * (debt / income) + 0.5 * latePayments - 0.12 * yearsEmployed + 0.2 * gaussian(random);
  return { input: [income, debt, yearsEmployed, latePayments], label: risk < 1 ? 0 : 1 };
}
