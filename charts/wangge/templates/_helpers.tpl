{{- define "wangge.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "wangge.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wangge.labels" -}}
{{ include "wangge.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "wangge.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* What every pod of the chart has: an account without rights, and no way to gain any. Jobs have one of their own, so that Vault tells them from the server. */}}
{{- define "wangge.pod" -}}
serviceAccountName: {{ include "wangge.name" . }}{{ .account }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What every container of the chart has. */}}
{{- define "wangge.container" -}}
image: {{ include "wangge.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: /var/lib/wangge
  - name: tmp
    mountPath: /tmp
{{- if .Values.vault.address }}
  - name: vault-token
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
{{- with .Values.vault.ca.configMap }}
  - name: vault-ca
    mountPath: /etc/wangge/vault
    readOnly: true
{{- end }}
{{- end }}
{{- end }}

{{- define "wangge.env" -}}
- name: WANGGE_DATA
  value: /var/lib/wangge
{{- if eq .Values.database "postgres" }}
- name: WANGGE_POSTGRES
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgres.secret.name }}
      key: {{ .Values.postgres.secret.key }}
{{- end }}
{{- with .Values.blobs.address }}
- name: WANGGE_BLOBS
  value: {{ . | quote }}
{{- end }}
{{- with .Values.blobs.secret }}
{{- range $name := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.blobs.secret }}
      key: {{ $name }}
{{- end }}
{{- end }}
{{- if .Values.vault.address }}
- name: WANGGE_VAULT_ADDR
  value: {{ .Values.vault.address | quote }}
- name: WANGGE_VAULT_KUBERNETES_ROLE
  value: {{ ternary .Values.vault.provisionRole .Values.vault.role (eq .account "-provision") | quote }}
{{- if .Values.vault.ca.configMap }}
- name: WANGGE_VAULT_CA
  value: /etc/wangge/vault/{{ .Values.vault.ca.key }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Uploads and sorts spill to /tmp. A StatefulSet brings its data volume itself. */}}
{{- define "wangge.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if eq .Values.database "postgres" }}
- name: data
  persistentVolumeClaim:
    claimName: {{ include "wangge.name" . }}-data
{{- end }}
{{- if .Values.vault.address }}
- name: vault-token # of the pod's own account, good for Vault alone
  projected:
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ .Values.vault.audience }}
          expirationSeconds: 3600
{{- with .Values.vault.ca.configMap }}
- name: vault-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "wangge.claim" -}}
{{- with .Values.persistence.storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size }}
{{- end }}
