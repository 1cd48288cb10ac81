{{/* What things are called. Nothing is longer than 63 characters, suffixes included. */}}

{{- define "ratekeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters, as the longest suffix, "-dashboards", has 11. */}}
{{- define "ratekeeper.fullname" -}}
{{- $name := include "ratekeeper.name" . -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if .Values.fullnameOverride -}}
{{- $full = .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "ratekeeper.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "ratekeeper.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ratekeeper.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ratekeeper.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The image, by its digest where there is one. */}}
{{- define "ratekeeper.image" -}}
{{- $image := .Values.image -}}
{{- $repository := $image.repository -}}
{{- with $image.registry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default $.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The secret with the certificate of the gRPC port: an existing one, or the one that cert-manager fills. */}}
{{- define "ratekeeper.tlsSecretName" -}}
{{- if .Values.tls.certManager.enabled -}}
{{- default (printf "%s-grpc-tls" (include "ratekeeper.fullname" .)) .Values.tls.certManager.secretName -}}
{{- else -}}
{{- .Values.tls.existingSecret -}}
{{- end -}}
{{- end -}}

{{/* What Prometheus calls the scrape job. The alerts ask for it by this name. */}}
{{- define "ratekeeper.jobName" -}}
{{- default (include "ratekeeper.fullname" .) .Values.metrics.jobName -}}
{{- end -}}

{{/* The name under which callers in the cluster reach the Service. */}}
{{- define "ratekeeper.host" -}}
{{- printf "%s.%s.svc" (include "ratekeeper.fullname" .) (include "ratekeeper.namespace" .) -}}
{{- end -}}

{{/* All names under which callers may know the Services. */}}
{{- define "ratekeeper.dnsNames" -}}
{{- $names := list -}}
{{- $services := list (include "ratekeeper.fullname" .) -}}
{{- if .Values.service.headless.enabled -}}
{{- $services = append $services (printf "%s-headless" (include "ratekeeper.fullname" .)) -}}
{{- end -}}
{{- $namespace := include "ratekeeper.namespace" . -}}
{{- range $services -}}
{{- $names = concat $names (list . (printf "%s.%s" . $namespace) (printf "%s.%s.svc" . $namespace) (printf "%s.%s.svc.%s" . $namespace $.Values.clusterDomain)) -}}
{{- end -}}
{{- toYaml (concat $names .Values.tls.certManager.extraDnsNames | uniq) -}}
{{- end -}}
