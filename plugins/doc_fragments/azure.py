# Copyright (c) 2026, arcfleet.apim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE and should only be used by this collection. Breaking changes can occur any time.

from __future__ import annotations


class ModuleDocFragment:
    # Signing in to Azure. No option has a default here, because the environment is asked first.
    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where the credential comes from.
      - Can also be set with the environment variable E(ANSIBLE_AZURE_AUTH_SOURCE). If neither is set, V(auto) is used.
    type: str
    choices:
      auto:
        - Try the options of the task, then V(env), then V(credential_file), then V(cli), and last V(msi), but that
          only where E(IDENTITY_ENDPOINT) or E(MSI_ENDPOINT) announces a managed identity.
        - The first source that holds a secret, a certificate or a federated token is used, and must then be complete.
        - If O(profile) is set, only the options of the task and V(credential_file) are tried.
      env: Use the environment variables named below. Options of the task go before variables.
      credential_file:
        - Use a profile of the file C(~/.azure/credentials), an INI file with one section for each profile.
        - A profile may set all options listed here except O(auth_source) and O(profile).
          Options of the task go before the profile, and the profile before environment variables.
      cli: Use the Azure CLI's login (C(az login)) on the machine where the module runs.
      msi: Use the managed identity of the machine where the module runs. O(client_id) selects a user-assigned identity.
  profile:
    description:
      - Name of the profile in C(~/.azure/credentials).
      - Can also be set with the environment variable E(AZURE_PROFILE). If neither is set, V(default) is used.
    type: str
  subscription_id:
    description:
      - ID of the Azure subscription.
      - Can also be set with the environment variable E(AZURE_SUBSCRIPTION_ID).
        With V(cli) as source, the Azure CLI's default subscription is used if it is set nowhere.
    type: str
  tenant:
    description:
      - ID or domain name of the Microsoft Entra tenant.
      - Can also be set with the environment variables E(AZURE_TENANT) and E(AZURE_TENANT_ID), in this order.
    type: str
  client_id:
    description:
      - Client ID (application ID) of the service principal or of a user-assigned managed identity.
      - Can also be set with the environment variable E(AZURE_CLIENT_ID).
    type: str
  secret:
    description:
      - Client secret of the service principal. Needs O(tenant) and O(client_id).
      - Can also be set with the environment variables E(AZURE_SECRET) and E(AZURE_CLIENT_SECRET), in this order.
      - Mutually exclusive with O(x509_certificate_path) and O(federated_token_file).
    type: str
  x509_certificate_path:
    description:
      - File with the certificate of the service principal and its RSA private key, in PEM format.
        Needs O(tenant) and O(client_id).
      - Can also be set with the environment variables E(AZURE_X509_CERTIFICATE_PATH) and
        E(AZURE_CLIENT_CERTIFICATE_PATH), in this order.
    type: path
  x509_certificate_password:
    description:
      - Password of the private key in O(x509_certificate_path), if it is encrypted.
      - Can also be set with the environment variable E(AZURE_CLIENT_CERTIFICATE_PASSWORD).
    type: str
  federated_token_file:
    description:
      - File with a token of another identity provider that Microsoft Entra trusts (workload identity federation),
        for example of a Kubernetes service account. Needs O(tenant) and O(client_id).
      - The file is read again when a new token is needed.
      - Can also be set with the environment variable E(AZURE_FEDERATED_TOKEN_FILE).
    type: path
  cloud_environment:
    description:
      - The Azure cloud. V(AzureCloud), V(AzureUSGovernment), V(AzureChinaCloud), or the V(https://) URL of the Azure
        Resource Manager endpoint of another cloud, such as Azure Stack, which is then asked for its other endpoints.
      - Can also be set with the environment variable E(AZURE_CLOUD_ENVIRONMENT).
      - If neither is set, the cloud is the one that the Azure CLI is logged in to if that is the source,
        or else the one that E(AZURE_AUTHORITY_HOST) belongs to, or else V(AzureCloud).
    type: str
  adfs_authority_url:
    description:
      - URL of the authority that issues the tokens, where it is not the one that belongs to O(cloud_environment).
      - Can also be set with the environment variable E(AZURE_ADFS_AUTHORITY_URL).
      - The environment variable E(AZURE_AUTHORITY_HOST) has the same effect where O(cloud_environment) is not set.
    type: str
  cert_validation_mode:
    description:
      - Whether TLS certificates of Azure endpoints are checked. With V(ignore) every run warns about it.
      - To trust a private certificate authority, rather let the environment variable E(REQUESTS_CA_BUNDLE) name a PEM
        file that holds it.
      - Can also be set with the environment variable E(AZURE_CERT_VALIDATION_MODE).
        If neither is set, V(validate) is used.
    type: str
    choices:
      - validate
      - ignore
  disable_instance_discovery:
    description:
      - Whether to trust the authority without asking Microsoft whether it is a known one.
        This is needed where only a private cloud can be reached.
      - Can also be set with the environment variable E(AZURE_DISABLE_INSTANCE_DISCOVERY).
        If neither is set, it is V(false) for the three named clouds, and V(true) for another cloud or authority.
    type: bool
requirements:
  - Python 3.10 or newer
  - The Python packages C(azure-identity), C(azure-core), C(azure-mgmt-core) and C(azure-mgmt-kubernetesconfiguration)
notes:
  - The options for signing in, and their environment variables, are those of the collection C(azure.azcollection);
    the variables of the Azure SDK are understood as well. Signing in with a user name and password is not supported.
  - Tokens for another cloud than the public one come from the Azure CLI only after C(az cloud set).
seealso:
  - name: Sign in with the Azure CLI
    description: How C(az login) works.
    link: https://learn.microsoft.com/cli/azure/authenticate-azure-cli
  - name: Workload identity federation
    description: How to let Microsoft Entra trust tokens of another identity provider.
    link: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""
