// Made by "npm run openapi" from what the endpoints declare. A test fails when it is out of date.

export interface paths {
    readonly "/api/errors": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What each code of a failure means, and who can fix it */
        readonly get: operations["errors"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** What each code of a failure means, and who can fix it */
        readonly head: operations["errors-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/files": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * A page of the files that the user may see, in the order of their names
         * @description Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.
         */
        readonly get: operations["files"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /**
         * A page of the files that the user may see, in the order of their names
         * @description Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.
         */
        readonly head: operations["files-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/files/{name}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * A file, or a link to it in Storage that the user signs
         * @description Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.
         */
        readonly get: operations["files-content"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /**
         * A file, or a link to it in Storage that the user signs
         * @description Off (404 without problem+json) unless the app has a container of files: STORAGE_ACCOUNT_URL.
         */
        readonly head: operations["files-content-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/get-profile": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The user's profile, as the frontend of Microsoft's tutorial expects it */
        readonly get: operations["get-profile"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** The user's profile, as the frontend of Microsoft's tutorial expects it */
        readonly head: operations["get-profile-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/health": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Whether the app is loaded */
        readonly get: operations["health"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** Whether the app is loaded */
        readonly head: operations["health-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/openapi.json": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** This document */
        readonly get: operations["openapi"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** This document */
        readonly head: operations["openapi-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/photo": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The user's photo */
        readonly get: operations["photo"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** The user's photo */
        readonly head: operations["photo-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api/profile": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The user's profile */
        readonly get: operations["profile"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        /** The user's profile */
        readonly head: operations["profile-head"];
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** FilePage */
        readonly FilePage: {
            readonly files: readonly {
                readonly name: string;
                /** @description Bytes. */
                readonly size: number;
                readonly contentType: string;
                /** Format: date-time */
                readonly lastModified: string;
            }[];
            /** @description Value of the parameter `continuation` for the next page; absent after the last. */
            readonly continuation?: string;
        };
        /**
         * Problem
         * @description A failure, as https://www.rfc-editor.org/rfc/rfc9457 says.
         */
        readonly Problem: {
            /**
             * Format: uri
             * @description Address of a page about the code.
             */
            readonly type: string;
            readonly title: string;
            /** @enum {integer} */
            readonly status: 400 | 401 | 403 | 404 | 409 | 412 | 416 | 500 | 502 | 503 | 504;
            /** @description What happened and what to do, for the user. */
            readonly detail: string;
            /**
             * @description Stable: switch on it, not on the words.
             * @enum {string}
             */
            readonly code: "invalid_request" | "not_signed_in" | "token_expired" | "token_rejected" | "tenant_not_allowed" | "claims_challenge" | "insufficient_scope" | "consent_required" | "blocked_by_policy" | "user_not_assigned" | "downstream_forbidden" | "not_found" | "conflict" | "precondition_failed" | "range_not_satisfiable" | "downstream_failed" | "downstream_timeout" | "throttled" | "overloaded" | "identity_unavailable" | "misconfigured" | "internal_error";
            /** @description Id of the request in the logs here, of Entra and of Graph. */
            readonly correlationId: string;
            /** @description Seconds, wherever the header Retry-After is. */
            readonly retryAfter?: number;
            /** @description With claims_challenge: JSON that the next sign-in asks for. */
            readonly claims?: string;
            /** @description With consent_required: the service whose consent is missing. */
            readonly resource?: string;
            /**
             * Format: uri
             * @description With consent_required: where an administrator grants consent.
             */
            readonly adminConsentUrl?: string;
        };
        /**
         * Profile
         * @description A user's properties as Graph gives them: https://learn.microsoft.com/graph/api/user-get. Those that are listed here come by default; with `select`, the selected ones come instead, which may be others. null: the directory holds no value.
         */
        readonly Profile: {
            readonly "@odata.context"?: string;
            /** @description Object id. */
            readonly id?: string;
            readonly businessPhones?: readonly string[];
            readonly displayName?: string | null;
            readonly givenName?: string | null;
            readonly jobTitle?: string | null;
            readonly mail?: string | null;
            readonly mobilePhone?: string | null;
            readonly officeLocation?: string | null;
            readonly preferredLanguage?: string | null;
            readonly surname?: string | null;
            readonly userPrincipalName?: string | null;
        };
    };
    responses: {
        /** @description `invalid_request`: A parameter or the body of the request is not what this API takes. */
        readonly Problem400: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 400;
                    /** @enum {unknown} */
                    readonly code?: "invalid_request";
                };
            };
        };
        /**
         * @description `not_signed_in`: The request carries no user's access token. Sign in and try again.
         *
         *     `token_expired`: The access token has expired. Refresh it, or sign in again.
         *
         *     `token_rejected`: The access token is not a valid token of a user for this API. Sign in again.
         *
         *     `claims_challenge`: Your organization asks for one more step, such as multifactor authentication. Sign in again to complete it.
         */
        readonly Problem401: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly "www-authenticate": components["headers"]["www-authenticate"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 401;
                    /** @enum {unknown} */
                    readonly code?: "not_signed_in" | "token_expired" | "token_rejected" | "claims_challenge";
                };
            };
        };
        /**
         * @description `tenant_not_allowed`: Users of the organization you signed in with are not served. Sign in with an account of one that is.
         *
         *     `insufficient_scope`: The access token was issued without the scope user_impersonation of this API. Ask for that scope at sign-in.
         *
         *     `consent_required`: You are signed in, but this app has no consent to read from the service on your behalf. Signing in again does not help: an administrator of your organization has to grant consent to the app's permissions once.
         *
         *     `blocked_by_policy`: A Conditional Access policy does not allow this sign-in. Your administrator can say what the policy asks for.
         *
         *     `user_not_assigned`: Your organization lets only assigned users use this app. An administrator can assign you.
         *
         *     `downstream_forbidden`: The service behind this API refused the request for your account.
         */
        readonly Problem403: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 403;
                    /** @enum {unknown} */
                    readonly code?: "tenant_not_allowed" | "insufficient_scope" | "consent_required" | "blocked_by_policy" | "user_not_assigned" | "downstream_forbidden";
                };
            };
        };
        /** @description `not_found`: The service behind this API has nothing there for your account. */
        readonly Problem404: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 404;
                    /** @enum {unknown} */
                    readonly code?: "not_found";
                };
            };
        };
        /** @description `conflict`: The service behind this API cannot do this as things are. Trying again does not change that. */
        readonly Problem409: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 409;
                    /** @enum {unknown} */
                    readonly code?: "conflict";
                };
            };
        };
        /** @description `precondition_failed`: It has changed in the meantime: a condition of the request, such as If-Match, is not met. */
        readonly Problem412: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 412;
                    /** @enum {unknown} */
                    readonly code?: "precondition_failed";
                };
            };
        };
        /** @description `range_not_satisfiable`: The part that Range asks for begins after the end. */
        readonly Problem416: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 416;
                    /** @enum {unknown} */
                    readonly code?: "range_not_satisfiable";
                };
            };
        };
        /**
         * @description `misconfigured`: The fault is not yours. The operator of this API finds what to fix in the log, by the correlation id.
         *
         *     `internal_error`: The fault is not yours. The operator of this API finds the details in the log, by the correlation id.
         */
        readonly Problem500: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 500;
                    /** @enum {unknown} */
                    readonly code?: "misconfigured" | "internal_error";
                };
            };
        };
        /** @description `downstream_failed`: The service behind this API gave no usable answer. Try again in a moment. */
        readonly Problem502: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 502;
                    /** @enum {unknown} */
                    readonly code?: "downstream_failed";
                };
            };
        };
        /**
         * @description `throttled`: A service behind this API asks callers to wait. Try again after the time in Retry-After.
         *
         *     `overloaded`: This API has more requests than it can serve at once. Try again after the time in Retry-After.
         *
         *     `identity_unavailable`: Microsoft Entra ID gave no usable answer. Try again in a moment.
         */
        readonly Problem503: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly "retry-after": components["headers"]["retry-after"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 503;
                    /** @enum {unknown} */
                    readonly code?: "throttled" | "overloaded" | "identity_unavailable";
                };
            };
        };
        /** @description `downstream_timeout`: The service behind this API did not answer in time. Try again in a moment. */
        readonly Problem504: {
            headers: {
                readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    readonly status?: 504;
                    /** @enum {unknown} */
                    readonly code?: "downstream_timeout";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Id of the request in the logs here, of Entra and of Graph. */
        readonly "x-correlation-id": string;
        /** @description Bearer challenge. With claims_challenge it holds the claims, in base64. */
        readonly "www-authenticate": string;
        /** @description Seconds. */
        readonly "retry-after": number;
        /** @description Length of the whole: `bytes *\/2514`; with 206 the part too: `bytes 0-99/2514`. */
        readonly "content-range": string;
        /** @description Strong validator of this version, for If-None-Match and If-Range. */
        readonly etag: string;
        /** @description bytes: parts can be asked for. */
        readonly "accept-ranges": string;
        /** @description Where the answer is. */
        readonly location: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly errors: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page for people */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/html": unknown;
                };
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly "errors-head": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page for people */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly files: {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                /** @description That of the page before; without it, the first page. */
                readonly continuation?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["FilePage"];
                };
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "files-head": {
        readonly parameters: {
            readonly query?: {
                readonly limit?: number;
                /** @description That of the page before; without it, the first page. */
                readonly continuation?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "files-content": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                readonly "if-none-match"?: string;
                readonly "if-match"?: string;
                readonly range?: string;
                readonly "if-range"?: string;
            };
            readonly path: {
                /** @description Of several segments: send each slash in it as %2F. */
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All of it */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "*/*": unknown;
                };
            };
            /** @description The part that Range asks for */
            readonly 206: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly "content-range": components["headers"]["content-range"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "*/*": unknown;
                };
            };
            /** @description Location: the file in Storage, for five minutes at most */
            readonly 302: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly location: components["headers"]["location"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not changed */
            readonly 304: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            /** @description The file is archived. */
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "files-content-head": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                readonly "if-none-match"?: string;
                readonly "if-match"?: string;
            };
            readonly path: {
                /** @description Of several segments: send each slash in it as %2F. */
                readonly name: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All of it */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Location: the file in Storage, for five minutes at most */
            readonly 302: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly location: components["headers"]["location"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not changed */
            readonly 304: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            /** @description The file is archived. */
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "get-profile": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly profile: components["schemas"]["Profile"];
                    };
                };
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "get-profile-head": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly health: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** @constant */
                        readonly status: "ok";
                    };
                };
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly "health-head": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly openapi: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": Record<string, never>;
                };
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly "openapi-head": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 500: components["responses"]["Problem500"];
        };
    };
    readonly photo: {
        readonly parameters: {
            readonly query?: {
                /** @description Pixels of each side; the largest photo without it. */
                readonly size?: "48" | "64" | "96" | "120" | "240" | "360" | "432" | "504" | "648";
            };
            readonly header?: {
                readonly "if-none-match"?: string;
                readonly "if-match"?: string;
                readonly range?: string;
                readonly "if-range"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All of it */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "image/*": unknown;
                };
            };
            /** @description The part that Range asks for */
            readonly 206: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly "content-range": components["headers"]["content-range"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "image/*": unknown;
                };
            };
            /** @description Not changed */
            readonly 304: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            /** @description The user has no photo, or none of that size. */
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "photo-head": {
        readonly parameters: {
            readonly query?: {
                /** @description Pixels of each side; the largest photo without it. */
                readonly size?: "48" | "64" | "96" | "120" | "240" | "360" | "432" | "504" | "648";
            };
            readonly header?: {
                readonly "if-none-match"?: string;
                readonly "if-match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description All of it */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly "accept-ranges": components["headers"]["accept-ranges"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not changed */
            readonly 304: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly etag: components["headers"]["etag"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            /** @description The user has no photo, or none of that size. */
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly profile: {
        readonly parameters: {
            readonly query?: {
                /** @description Names of properties with commas between them: displayName,mail */
                readonly select?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Profile"];
                };
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
    readonly "profile-head": {
        readonly parameters: {
            readonly query?: {
                /** @description Names of properties with commas between them: displayName,mail */
                readonly select?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Success */
            readonly 200: {
                headers: {
                    readonly "x-correlation-id": components["headers"]["x-correlation-id"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["Problem400"];
            readonly 401: components["responses"]["Problem401"];
            readonly 403: components["responses"]["Problem403"];
            readonly 404: components["responses"]["Problem404"];
            readonly 409: components["responses"]["Problem409"];
            readonly 412: components["responses"]["Problem412"];
            readonly 416: components["responses"]["Problem416"];
            readonly 500: components["responses"]["Problem500"];
            readonly 502: components["responses"]["Problem502"];
            readonly 503: components["responses"]["Problem503"];
            readonly 504: components["responses"]["Problem504"];
        };
    };
}
