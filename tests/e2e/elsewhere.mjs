// Accounts elsewhere: a provider whose word the default tenant takes, of which nothing is asked here.

export const IDP = 'https://idp.example';

/** Links an account to one of that provider. */
export async function link(service, user, subject) {
  const client = await service.admin('POST', '/admin/clients', { name: 'Gateway', client_type: 'service' });
  const issuer = {
    issuer: IDP,
    clients: [client.client_id],
    jwks_uri: `${IDP}/keys`,
    profile: 'assertion',
    subject: 'linked',
  };
  await service.admin('PATCH', '/admin/tenants/default', { config: { assertion_issuers: [issuer] } });
  await service.admin('POST', `/admin/users/${user}/identities`, { issuer: IDP, subject });
}
