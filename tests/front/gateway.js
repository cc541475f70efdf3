// A gateway as the platform's documents draw it: it verifies a token by a public key that it has in PEM, with RS256
// and nothing else, and has the identity service say that it is not revoked.

import { createRequire } from 'node:module';

const jwt = createRequire(import.meta.url)('jsonwebtoken');

/** What the gateway lets through, or why not: a status and the claims. */
export async function admit({ identity, publicKey }, authorization) {
  const token = authorization?.split(' ')[1];
  if (!token) return { status: 401 };
  try {
    const user = jwt.verify(token, publicKey, { algorithms: ['RS256'] });
    const answer = await fetch(`${identity}/auth/validate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    return answer.ok ? { status: 200, user } : { status: 401 };
  } catch {
    return { status: 401 };
  }
}
