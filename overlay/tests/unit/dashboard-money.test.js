// Money on the dashboard: exact to the last micro, cut off and never rounded up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMoney, formatSmallMoney, minorDigits, toMicros } from '../../dashboard/money.js';

test('an amount is written in the places of its currency', () => {
  assert.equal(formatMoney(1_234_560_000, 'USD', 'en-US'), '$1,234.56');
  assert.equal(formatMoney(128_456_789_999, 'INR', 'en-IN'), '₹1,28,456.78');
  assert.equal(formatMoney(1_500_000_000, 'JPY', 'en-US'), '¥1,500');
  assert.equal(formatMoney(1_234_567, 'KWD', 'en-US').replace(/\s/u, ' '), 'KWD 1.234');
  assert.equal(formatMoney(0, 'EUR', 'en-US'), '€0.00');
});

test('what does not fit is cut off, never rounded up', () => {
  assert.equal(formatMoney(999_999, 'USD', 'en-US'), '$0.99');
  assert.equal(formatMoney(9_999, 'USD', 'en-US'), '$0.00');
  assert.equal(formatMoney(1_999_999, 'JPY', 'en-US'), '¥1');
});

test('amounts beyond the exact range of a float keep every digit', () => {
  assert.equal(formatMoney(9_223_372_036_854_775_807n, 'USD', 'en-US'), '$9,223,372,036,854.77');
  assert.equal(formatMoney('9007199254740993000', 'USD', 'en-US'), '$9,007,199,254,740.99');
  assert.equal(formatMoney(9_007_199_254_740_991, 'USD', 'en-US'), '$9,007,199,254.74');
});

test('every micro of a sweep comes out as the digits that went in', () => {
  for (let micros = 0; micros < 3_000_000; micros += 997) {
    const digits = String(micros).padStart(7, '0');
    assert.equal(formatMoney(micros, 'USD', 'en-US'), `$${digits.slice(0, -6)}.${digits.slice(-6, -4)}`);
  }
});

test('a negative amount has its sign, but nothing shown has none', () => {
  assert.equal(formatMoney(-500_000, 'USD', 'en-US'), '−$0.50');
  assert.equal(formatMoney(-1_000_000, 'USD', 'en-US'), '−$1.00');
  assert.equal(formatMoney(-1, 'USD', 'en-US'), '$0.00');
});

test('the locale decides the signs, not the digits', () => {
  assert.equal(formatMoney(1_234_560_000, 'EUR', 'de-DE').replace(/\s/u, ' '), '1.234,56 €');
});

test('a small amount shows the places that carry it', () => {
  assert.equal(formatSmallMoney(820_400, 'INR', 'en-IN'), '₹0.8204');
  assert.equal(formatSmallMoney(122_533, 'USD', 'en-US'), '$0.1225');
  assert.equal(formatSmallMoney(500_000, 'USD', 'en-US'), '$0.50');
  assert.equal(formatSmallMoney(35, 'USD', 'en-US'), '$0.000035');
  assert.equal(formatSmallMoney(42_372_900, 'INR', 'en-IN'), '₹42.37');
  assert.equal(formatSmallMoney(0, 'USD', 'en-US'), '$0.00');
  assert.equal(formatSmallMoney(-820_400, 'USD', 'en-US'), '−$0.8204');
});

test('what is not a whole amount is a dash, and an unknown currency still shows its digits', () => {
  assert.equal(formatMoney(0.5, 'USD', 'en-US'), '–');
  assert.equal(formatMoney(null, 'USD', 'en-US'), '–');
  assert.equal(formatSmallMoney(undefined, 'USD', 'en-US'), '–');
  assert.equal(toMicros(2 ** 53), null);
  assert.equal(formatMoney(1_500_000, 'not a code', 'en-US'), '1.50');
  assert.equal(minorDigits('not a code'), 2);
});
