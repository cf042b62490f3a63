import { challengeOf, escapeName, quoteJava, type Enrolment, type Instruction } from './enrolment';

/** jscep, the SCEP library for Java. */
export function jscep(enrolment: Enrolment): Instruction {
  const name = quoteJava(`CN=${escapeName(enrolment.deviceName)}`);
  const pem = enrolment.authorityPem
    .trim()
    .split('\n')
    .map((line) => `    ${line}`);
  return {
    id: 'jscep',
    title: 'jscep',
    parts: [
      {
        kind: 'text',
        text: 'A program for Java 17 with jscep and Bouncy Castle on the class path. It trusts this authority alone.',
      },
      {
        kind: 'code',
        name: 'the program for jscep',
        code: `import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.URL;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.jscep.client.Client;
import org.jscep.client.EnrollmentResponse;
import org.jscep.client.verification.PreProvisionedCertificateVerifier;

public class Enrol {
  static final String AUTHORITY = """
${pem.join('\n')}
    """;

  public static void main(String[] arguments) throws Exception {
    X509Certificate authority = (X509Certificate) CertificateFactory.getInstance("X.509")
        .generateCertificate(new ByteArrayInputStream(AUTHORITY.getBytes()));
    Client client = new Client(
        new URL(${quoteJava(enrolment.url)}), new PreProvisionedCertificateVerifier(authority));

    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair keys = generator.generateKeyPair();
    X500Principal name = new X500Principal(${name});
    ContentSigner signer = new JcaContentSignerBuilder("SHA256withRSA").build(keys.getPrivate());
    long now = System.currentTimeMillis();
    X509Certificate identity = new JcaX509CertificateConverter().getCertificate(
        new JcaX509v3CertificateBuilder(name, BigInteger.ONE, new Date(now - 60_000),
            new Date(now + 86_400_000), name, keys.getPublic()).build(signer));
    PKCS10CertificationRequest request =
        new JcaPKCS10CertificationRequestBuilder(name, keys.getPublic())
            .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_challengePassword,
                new DERUTF8String(${quoteJava(challengeOf(enrolment))}))
            .build(signer);

    EnrollmentResponse response = client.enrol(identity, keys.getPrivate(), request);
    System.out.println(response.isSuccess() ? response.getCertStore().getCertificates(null)
        : response.isPending() ? "It waits for an administrator." : response.getFailInfo());
  }
}`,
      },
    ],
  };
}
